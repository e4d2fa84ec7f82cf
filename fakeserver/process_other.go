//go:build !unix

package fakeserver

import "os/exec"

// ownGroup leaves cmd as it is; ServeChild ignores interrupts anyway.
func ownGroup(*exec.Cmd) {}
