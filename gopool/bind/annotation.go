package bind

import (
	"fmt"
	"strings"
)

// annotation returns a type as Python says it: what a function takes, or what it returns.
// Names of types go through name.
func annotation(t *Type, taken bool, name func(string) string) string {
	switch t.Kind {
	case "bool":
		return name("bool")
	case "float32", "float64":
		return name("float")
	case "string":
		return name("str")
	case Bytes:
		if taken {
			return "bytes | bytearray | memoryview"
		}
		return name("bytes")
	case Time:
		return "_datetime.datetime"
	case Duration:
		return "_datetime.timedelta"
	case StructOf:
		return name(t.Struct.Name)
	case PointerTo:
		return annotation(t.Elem, taken, name) + " | None"
	case SliceOf, ArrayOf:
		return fmt.Sprintf("%s[%s]", sequence(t.Elem, taken, name), annotation(t.Elem, taken, name))
	case MapOf:
		kind := "_Mapping"
		if !taken {
			kind = name("dict")
		}
		key, elem := annotation(t.Key, taken, name), annotation(t.Elem, taken, name)
		return fmt.Sprintf("%s[%s, %s]", kind, key, elem)
	default: // all kinds of integers
		return name("int")
	}
}

// sequence returns what slices and arrays of elem are. An array of Python's may stand for numbers,
// and one of two dimensions for slices of them.
func sequence(elem *Type, taken bool, name func(string) string) string {
	switch {
	case taken && (elem.isNumber() || elem.Kind == SliceOf && elem.Elem.isNumber()):
		return "_gopool.Numbers"
	case taken:
		return "_Sequence"
	case elem.isNumber():
		return "_gopool.Array"
	default:
		return name("list")
	}
}

// resultAnnotation returns what a function with these results returns.
func resultAnnotation(results []*Type) string {
	if len(results) == 0 {
		return "None"
	}
	var parts []string
	for _, result := range results {
		parts = append(parts, annotation(result, false, itself))
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return fmt.Sprintf("tuple[%s]", strings.Join(parts, ", "))
}

func itself(name string) string { return name }
