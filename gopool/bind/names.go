package bind

import "go/token"

// keywords are Python's, as of 3.13. Those that are keywords in some places only are
// names everywhere else.
var keywords = map[string]bool{
	"False": true, "None": true, "True": true, "and": true, "as": true, "assert": true,
	"async": true, "await": true, "break": true, "class": true, "continue": true, "def": true,
	"del": true, "elif": true, "else": true, "except": true, "finally": true, "for": true,
	"from": true, "global": true, "if": true, "import": true, "in": true, "is": true,
	"lambda": true, "nonlocal": true, "not": true, "or": true, "pass": true, "raise": true,
	"return": true, "try": true, "while": true, "with": true, "yield": true,
}

func isKeyword(name string) bool { return keywords[name] }

// isIdentifier says whether both languages can say a name, keywords apart.
func isIdentifier(name string) bool {
	return token.IsIdentifier(name) || token.IsKeyword(name)
}

// pythonName returns a name that is no keyword of Python's.
func pythonName(name string) string {
	if isKeyword(name) {
		return name + "_"
	}
	return name
}
