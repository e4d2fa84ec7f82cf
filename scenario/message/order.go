package message

import "fmt"

// Order is how calls go through the rows of a feed.
type Order uint8

// The orders.
const (
	Sequential Order = iota // the first row for the first call, and from the beginning again
	Random                  // each call one of them, each as likely
	Once                    // the first row for the first call, and no calls after the last
)

// Orders are all of them by name, with what they do.
func Orders() []struct{ Name, Doc string } {
	return []struct{ Name, Doc string }{
		{"sequential", "one row after the other, and from the beginning again"},
		{"random", "for each call one of all rows, each as likely"},
		{"once", "one row after the other; when all were used there are no more calls"},
	}
}

// String is the order's name.
func (o Order) String() string {
	if all := Orders(); int(o) < len(all) {
		return all[o].Name
	}
	return fmt.Sprintf("Order(%d)", uint8(o))
}

// Words are the orders as a document writes them.
func (o *Order) Words() []string {
	var words []string
	for _, one := range Orders() {
		words = append(words, one.Name)
	}
	return words
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Order) UnmarshalText(text []byte) error {
	for i, one := range Orders() {
		if one.Name == string(text) {
			*o = Order(i)
			return nil
		}
	}
	return fmt.Errorf("must be %s (got %s)%s", list(o.Words()), quoted(string(text)), near(string(text), o.Words()))
}

// MarshalText implements encoding.TextMarshaler.
func (o Order) MarshalText() ([]byte, error) { return []byte(o.String()), nil }
