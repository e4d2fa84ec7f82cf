package main

import (
	"context"
	"os"
	"testing"
)

// TestMain lets the test binary stand in for grpcbench when it starts itself
// as a fleet or to run trials, or when a test needs the command as a process: the
// first argument says so.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == fleetCommandName || os.Args[1] == trialsCommandName || os.Args[1] == asCommand) {
		answerGoroutines()
		args := os.Args[1:]
		if args[0] == asCommand {
			main2(args[1:])
		}
		if d := deadlyToSiblings(); d != nil && args[0] == trialsCommandName {
			os.Exit(runWith(context.Background(), args, os.Stdout, os.Stderr, deps{Dial: d.dial, In: os.Stdin}))
		}
		os.Exit(run(context.Background(), args, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// asCommand as the first argument makes the test binary behave as grpcbench.
const asCommand = "as-grpcbench"

// main2 is main with the arguments after asCommand.
func main2(args []string) {
	os.Args = append([]string{"grpcbench"}, args...)
	main()
}
