package fhirpath

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"regexp"
	"strings"
	"unicode/utf8"
)

// stringFunctions are those of FHIRPath's chapter "String manipulation".
var stringFunctions = map[string]function{
	"length":     onString(func(s string) any { return int64(utf8.RuneCountInString(s)) }),
	"upper":      onString(func(s string) any { return strings.ToUpper(s) }),
	"lower":      onString(func(s string) any { return strings.ToLower(s) }),
	"trim":       onString(func(s string) any { return strings.TrimSpace(s) }),
	"startsWith": withString(func(s, arg string) any { return strings.HasPrefix(s, arg) }),
	"endsWith":   withString(func(s, arg string) any { return strings.HasSuffix(s, arg) }),
	"contains":   withString(func(s, arg string) any { return strings.Contains(s, arg) }),
	"indexOf":    withString(func(s, arg string) any { return position(s, strings.Index(s, arg)) }),
	"lastIndexOf": withString(func(s, arg string) any {
		if arg == "" {
			return int64(0)
		}
		return position(s, strings.LastIndex(s, arg))
	}),
	"encode":         withString(encode),
	"decode":         withString(decode),
	"escape":         withString(escape),
	"unescape":       withString(unescape),
	"replace":        {2, 2, (*compiler).replace},
	"substring":      {1, 2, (*compiler).substring},
	"matches":        {1, 1, (*compiler).matches},
	"matchesFull":    {1, 1, (*compiler).matches},
	"replaceMatches": {2, 2, (*compiler).replaceMatches},
	"toChars": {0, 0, func(k *compiler, n *node) (program, error) {
		return func(c *evaluation, focus, dst []Item) ([]Item, error) {
			s, ok, err := k.subject(c, n, focus)
			if err != nil || !ok {
				return dst, err
			}
			for _, r := range s {
				dst = append(dst, Item{value: string(r)})
			}
			return dst, c.spend(len(s))
		}, nil
	}},
	"split": {1, 1, (*compiler).split},
	"join":  {0, 1, (*compiler).join},
}

// subject is the string that a function is asked of; ok is false where the collection is empty.
func (k *compiler) subject(c *evaluation, n *node, focus []Item) (s string, ok bool, err error) {
	v, err := k.value(c, n, focus)
	if err != nil || v == nil {
		return "", false, err
	}
	if s, ok = v.(string); ok {
		return s, true, nil
	}
	if _, number := v.(int64); !number && systemType(v) != "Decimal" && !isTemporal(v) {
		return "", false, k.failure(n, "%s() is asked of a string, not of %s", n.name, focus[0].Type())
	}
	s, _ = toText(v)
	return s, true, nil
}

func isTemporal(v any) bool {
	_, ok := v.(*temporal)
	return ok
}

// onString is a function of one string.
func onString(f func(s string) any) function {
	return function{0, 0, func(k *compiler, n *node) (program, error) {
		return func(c *evaluation, focus, dst []Item) ([]Item, error) {
			s, ok, err := k.subject(c, n, focus)
			if err != nil || !ok {
				return dst, err
			}
			return c.emit(dst, f(s))
		}, nil
	}}
}

// strings evaluates the string that a function is asked of and its arguments; ok is false where one of them is empty.
func (k *compiler) strings(c *evaluation, n *node, focus []Item, args []program) (s []string, ok bool, err error) {
	subject, ok, err := k.subject(c, n, focus)
	if err != nil || !ok {
		return nil, false, err
	}
	s = append(s, subject)
	for _, arg := range args {
		text, ok, err := k.text(c, n, arg)
		if err != nil || !ok {
			return nil, false, err
		}
		s = append(s, text)
	}
	return s, true, nil
}

// withString is a function of a string and another.
func withString(f func(s, arg string) any) function {
	return function{1, 1, func(k *compiler, n *node) (program, error) {
		args, err := k.compileAll(n.args)
		return func(c *evaluation, focus, dst []Item) ([]Item, error) {
			s, ok, err := k.strings(c, n, focus, args)
			if err != nil || !ok {
				return dst, err
			}
			return c.emit(dst, f(s[0], s[1]))
		}, err
	}}
}

// position is a byte offset as a number of characters.
func position(s string, offset int) any {
	if offset < 0 {
		return int64(-1)
	}
	return int64(utf8.RuneCountInString(s[:offset]))
}

func (k *compiler) substring(n *node) (program, error) {
	args, err := k.compileAll(n.args)
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		s, ok, err := k.subject(c, n, focus)
		if err != nil || !ok {
			return dst, err
		}
		start, ok, err := k.integer(c, n, args[0])
		if err != nil || !ok {
			return dst, err
		}
		runes := []rune(s)
		if start < 0 || start >= int64(len(runes)) {
			return dst, nil
		}
		length := int64(len(runes))
		if len(args) > 1 {
			n, ok, err := k.integer(c, n, args[1])
			if err != nil {
				return dst, err
			}
			if ok {
				length = max(0, n)
			}
		}
		end := min(int64(len(runes)), start+min(length, int64(len(runes))))
		return c.emit(dst, string(runes[start:end]))
	}, err
}

// replace puts a text in the place of each occurrence of another; an empty one occurs around every character.
func (k *compiler) replace(n *node) (program, error) {
	args, err := k.compileAll(n.args)
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		s, ok, err := k.strings(c, n, focus, args)
		if err != nil || !ok {
			return dst, err
		}
		if count := strings.Count(s[0], s[1]); len(s[0])+count*len(s[2]) > maxText {
			return dst, k.failure(n, "the text is longer than %d bytes", maxText)
		}
		return c.emit(dst, strings.ReplaceAll(s[0], s[1], s[2]))
	}, err
}

// pattern compiles a regular expression; one that is written as a literal is compiled once.
func (k *compiler) pattern(n *node, whole bool) (func(text string) (*regexp.Regexp, error), error) {
	compile := func(text string) (*regexp.Regexp, error) {
		text = "(?s:" + text + ")"
		if whole {
			text = "^" + text + "$"
		}
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, k.failure(n, "the regular expression cannot be read")
		}
		return re, nil
	}
	if arg := n.args[0]; arg.kind == nodeLiteral {
		if text, ok := arg.value.(string); ok {
			re, err := compile(text)
			return func(string) (*regexp.Regexp, error) { return re, err }, nil
		}
	}
	return compile, nil
}

func (k *compiler) matches(n *node) (program, error) {
	args, err := k.compileAll(n.args)
	if err != nil {
		return nil, err
	}
	pattern, err := k.pattern(n, n.name == "matchesFull")
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		s, ok, err := k.strings(c, n, focus, args)
		if err != nil || !ok {
			return dst, err
		}
		re, err := pattern(s[1])
		if err != nil {
			return dst, err
		}
		return append(dst, Item{value: re.MatchString(s[0])}), nil
	}, err
}

func (k *compiler) replaceMatches(n *node) (program, error) {
	args, err := k.compileAll(n.args)
	if err != nil {
		return nil, err
	}
	pattern, err := k.pattern(n, false)
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		s, ok, err := k.strings(c, n, focus, args)
		if err != nil || !ok {
			return dst, err
		}
		if s[1] == "" {
			return append(dst, Item{value: s[0]}), nil
		}
		re, err := pattern(s[1])
		if err != nil {
			return dst, err
		}
		if (len(s[0])+1)*(len(s[2])+1) > maxText {
			return dst, k.failure(n, "the text may become longer than %d bytes", maxText)
		}
		return c.emit(dst, re.ReplaceAllString(s[0], groupNumbers.ReplaceAllString(s[2], "$${$1}")))
	}, err
}

// groupNumbers finds $1, which Go would read as part of a longer name.
var groupNumbers = regexp.MustCompile(`\$(\d+)`)

func (k *compiler) split(n *node) (program, error) {
	args, err := k.compileAll(n.args)
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		s, ok, err := k.strings(c, n, focus, args)
		if err != nil || !ok {
			return dst, err
		}
		for _, part := range strings.Split(s[0], s[1]) {
			dst = append(dst, Item{value: part})
		}
		return dst, c.spend(len(s[0]))
	}, err
}

func (k *compiler) join(n *node) (program, error) {
	args, err := k.compileAll(n.args)
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		separator := ""
		if len(args) > 0 {
			var err error
			if separator, _, err = k.text(c, n, args[0]); err != nil {
				return dst, err
			}
		}
		var parts []string
		length := 0
		for i := range focus {
			text, ok := focus[i].system().(string)
			if !ok {
				return dst, k.failure(n, "join() is asked of strings, not of %s", focus[i].Type())
			}
			parts = append(parts, text)
			if length += len(text) + len(separator); length > maxText {
				break // emit refuses it
			}
		}
		if len(parts) == 0 {
			return dst, nil
		}
		return c.emit(dst, strings.Join(parts, separator))
	}, err
}

func encode(s, format string) any {
	switch format {
	case "hex":
		return hex.EncodeToString([]byte(s))
	case "base64":
		return base64.StdEncoding.EncodeToString([]byte(s))
	case "urlbase64":
		return base64.URLEncoding.EncodeToString([]byte(s))
	}
	return nil
}

func decode(s, format string) any {
	var data []byte
	var err error
	switch format {
	case "hex":
		data, err = hex.DecodeString(s)
	case "base64":
		data, err = base64.StdEncoding.DecodeString(s)
	case "urlbase64":
		data, err = base64.URLEncoding.DecodeString(s)
	default:
		return nil
	}
	if err != nil || !utf8.Valid(data) {
		return nil
	}
	return string(data)
}

var (
	jsonEscapes   = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\f", `\f`, "\b", `\b`)
	jsonUnescapes = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n", `\r`, "\r", `\t`, "\t", `\f`, "\f", `\b`, "\b", `\/`, "/")
	htmlEscapes   = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")
)

func escape(s, format string) any {
	switch format {
	case "html":
		return htmlEscapes.Replace(s)
	case "json":
		return jsonEscapes.Replace(s)
	}
	return nil
}

func unescape(s, format string) any {
	switch format {
	case "html":
		return html.UnescapeString(s)
	case "json":
		return jsonUnescapes.Replace(s)
	}
	return nil
}
