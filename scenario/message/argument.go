package message

import (
	"fmt"
	"strconv"
)

// mostDrawn bounds what randString and randBytes make.
const mostDrawn = 4 << 20

func wholeArgument(arg value) (int64, error) {
	n, err := strconv.ParseInt(arg.text, 10, 64)
	if arg.shape != aNumber || err != nil {
		return 0, fmt.Errorf("takes whole numbers of at most 64 bits (got %s)", arg.got())
	}
	return n, nil
}

// length is the argument of what makes so many of something.
func length(name string, args []value) (int, error) {
	if len(args) != 1 {
		return 0, fmt.Errorf("takes a length, as %s 16 (got %s)", name, count(len(args), "argument"))
	}
	n, err := wholeArgument(args[0])
	if err == nil && (n < 0 || n > mostDrawn) {
		err = fmt.Errorf("takes a length from 0 to %d (got %d)", mostDrawn, n)
	}
	return int(n), err
}
