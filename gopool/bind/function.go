package bind

import (
	"fmt"
	"go/types"
)

// function maps a function, or says why Python can't call it.
func (m *mapper) function(object *types.Func) (Function, error) {
	f := Function{Name: object.Name(), Doc: m.docs[object]}
	signature := object.Signature()
	if signature.TypeParams().Len() > 0 {
		return f, unsupported("it is generic")
	}
	if isKeyword(f.Name) {
		return f, unsupported("its name is a keyword of Python's")
	}
	if err := m.params(&f, signature); err != nil {
		return f, err
	}
	return f, m.results(&f, signature.Results())
}

func (m *mapper) params(f *Function, signature *types.Signature) error {
	f.Variadic = signature.Variadic()
	known := map[string]bool{}
	for i := range signature.Params().Len() {
		param := signature.Params().At(i)
		if i == 0 && isContext(param.Type()) {
			f.Context = true
			continue
		}
		name := paramName(param.Name(), len(f.Params), known)
		mapped, err := m.typeOf(param.Type())
		if err != nil {
			return unsupported(fmt.Sprintf("parameter %s: %v", name, err))
		}
		if variadic := f.Variadic && i == signature.Params().Len()-1; variadic && mapped.Kind == Bytes {
			// Its arguments are numbers, one by one.
			mapped = &Type{Kind: SliceOf, Go: mapped.Go, Elem: &Type{Kind: "uint8", Go: types.Typ[types.Uint8]}}
		}
		f.Params = append(f.Params, Param{Name: name, Type: mapped})
	}
	return nil
}

// paramName returns a name for the parameter in that place which no other has.
func paramName(name string, place int, known map[string]bool) string {
	if name == "" || name == "_" {
		name = fmt.Sprintf("arg%d", place)
	}
	name = pythonName(name)
	for known[name] {
		name += "_"
	}
	known[name] = true
	return name
}

func (m *mapper) results(f *Function, results *types.Tuple) error {
	for i := range results.Len() {
		last := i == results.Len()-1
		if isError(results.At(i).Type()) {
			if !last {
				return unsupported("an error that is not its last result")
			}
			f.Error = true
			continue
		}
		mapped, err := m.typeOf(results.At(i).Type())
		if err != nil {
			return unsupported(fmt.Sprintf("result: %v", err))
		}
		f.Results = append(f.Results, mapped)
	}
	return nil
}

func isError(t types.Type) bool {
	return types.Identical(t, types.Universe.Lookup("error").Type())
}

func isContext(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return false
	}
	return named.Obj().Pkg().Path() == "context" && named.Obj().Name() == "Context"
}
