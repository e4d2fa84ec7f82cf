//go:build race

package clientcore_test

const raceEnabled = true
