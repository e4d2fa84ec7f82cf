package strict

import "reflect"

// Kind is one kind of a choice.
type Kind struct {
	Name    string
	Doc     string
	Example string       // YAML of the choice
	Type    reflect.Type // the struct of its settings
}

// Kinds lists the kinds of a choice in the order of their declaration; nil
// when the type is no choice.
func Kinds(choice reflect.Type) []Kind {
	choice = deref(choice)
	if !isChoice(choice) {
		return nil
	}
	var kinds []Kind
	for _, f := range fieldsOf(choice) {
		kinds = append(kinds, Kind{Name: f.name, Doc: f.doc, Example: f.example, Type: f.typ.Elem()})
	}
	return kinds
}
