// Package file is a registry in a text file, which is looked at regularly: for
// endpoints that a deployment tool, a configuration map or a person writes.
//
// A line is an address, and a weight where it is not 1. A # begins a comment:
//
//	# users, zone a
//	10.0.0.1:443
//	10.0.0.2:443 3    # takes three times as much, where the policy has weights
//	[fd00::3]:443
//
// Endpoints keep the file's order. A file without an address says that there are
// no endpoints.
//
// A file that cannot be read, or not be understood to its end, is an error: none
// of it is used, and the last endpoints are kept. So that nobody sees half a
// file, write a new one beside it and rename it over the old: it is opened anew
// for each look. A last line without its newline is taken for a file that is
// still being written.
package file
