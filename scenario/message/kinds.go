package message

// Function is one that templates may call.
type Function struct {
	Name  string
	Usage string // as it is called
	Doc   string
	// make checks the arguments. ordinal sets the function's draws apart.
	make func(args []value, ordinal uint64) (expression, error)
}

// Functions are all there are. Another is a type and a line here.
func Functions() []Function {
	return []Function{
		{"uuid", "uuid", "a random UUID (version 4)", newUUID},
		{"randInt", "randInt 1 100", "a whole number from the first to the second, both included", newRandInt},
		{"randFloat", "randFloat 0 1", "a number from the first, included, to the second", newRandFloat},
		{"randString", "randString 16", "as many letters and digits", newRandString},
		{"randBytes", "randBytes 16", "as many bytes; in text their base64", newRandBytes},
		{"randChoice", `randChoice "a" "b"`, "one of these", newRandChoice},
	}
}
