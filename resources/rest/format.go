package rest

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"fhirside/fhir"
	"fhirside/fhir/xml"
	"fhirside/resources"
	"fhirside/search"
)

// encoding is a format of resources.
type encoding uint8

const (
	jsonEncoding encoding = iota
	xmlEncoding
)

// format is an encoding by one of its names.
type format struct {
	encoding encoding
	// contentType is the header of answers by that name. Whoever asks for a generic type gets it (http.html#mime-type).
	contentType []string
	generic     bool
}

// jsonFormat is what is sent where nothing else is asked for.
var jsonFormat, xmlFormat = formatOf("application/fhir+json", jsonEncoding), formatOf("application/fhir+xml", xmlEncoding)

func formatOf(name string, e encoding) format {
	return format{e, []string{name + ";charset=utf-8"}, !strings.Contains(name, "fhir")}
}

// formats are the names of both in Accept and Content-Type, those of before STU3 included; _format knows the short names as well.
var (
	formats = map[string]format{
		"application/fhir+json": jsonFormat, "application/json": formatOf("application/json", jsonEncoding), "text/json": formatOf("text/json", jsonEncoding),
		"application/json+fhir": formatOf("application/json+fhir", jsonEncoding), "application/xml+fhir": formatOf("application/xml+fhir", xmlEncoding),
		"application/fhir+xml": xmlFormat, "application/xml": formatOf("application/xml", xmlEncoding), "text/xml": formatOf("text/xml", xmlEncoding),
	}
	shortFormats = map[string]format{"json": jsonFormat, "xml": xmlFormat}
)

// Formats are the names of the formats that a CapabilityStatement claims.
func Formats() []string {
	return []string{"application/fhir+json", "application/fhir+xml", "json", "xml"}
}

// PatchFormats are the media types of patches that a CapabilityStatement claims.
func PatchFormats() []string { return slices.Clone(patchFormats) }

// representation is how a client wants resources written.
type representation struct {
	format
	pretty bool
	// named: the client has named a format, so that even a Binary is a resource to it, unless it likes its content better.
	named   bool
	quality float64 // of the format, as Accept says; 1 where _format does
}

// representationFor reads _format, which comes before Accept, and _pretty. Beside an error it is what the error is told in.
func representationFor(r *http.Request, params []search.Parameter) (as representation, err error) {
	as.format = jsonFormat
	asked := ""
	for _, p := range params {
		switch p.Name {
		case "_format":
			asked = p.Value
		case "_pretty":
			as.pretty = p.Value == "true"
		}
	}
	switch accept := strings.Trim(strings.Join(r.Header["Accept"], ","), ", "); {
	case asked != "":
		as.named, as.quality = true, 1
		as.format, err = formatNamed(asked)
	case accept == "":
		as.format = ownFormat(r)
	default:
		var best preference
		best, err = accepted(accept, r)
		as.format, as.named, as.quality = best.format, best.specific == typeItself, best.quality
	}
	return as, err
}

// formatNamed is that of _format. A "+" that was not escaped in the URL arrives as a space.
func formatNamed(asked string) (format, error) {
	name, params, err := mime.ParseMediaType(strings.ReplaceAll(asked, " ", "+"))
	f, known := shortFormats[name]
	if !known {
		f, known = formats[name]
	}
	if err != nil || !known || !rightVersion(params) {
		return jsonFormat, fhir.Errorf(fhir.NotAcceptable, fhir.CodeNotSupported, "_format=%s is not served; json and xml are", asked).At("_format")
	}
	return f, nil
}

// ownFormat is the format in which the request itself is written: what to answer in where the client leaves the choice.
func ownFormat(r *http.Request) format {
	if contentType := r.Header.Get("Content-Type"); contentType != "" {
		if name, _, err := mime.ParseMediaType(contentType); err == nil && formats[name].encoding == xmlEncoding {
			return xmlFormat
		}
	}
	return jsonFormat
}

// preference is what Accept says of an encoding.
type preference struct {
	format   format
	quality  float64
	specific int // of the range that says it: 0 nothing, 1 */*, 2 application/*, 3 the type itself
}

const typeItself = 3

func (p *preference) consider(f format, quality float64, specific int) {
	if specific > p.specific || specific == p.specific && quality > p.quality {
		*p = preference{f, quality, specific}
	}
}

// accepted chooses by Accept (RFC 9110, section 12.5.1): the encoding of the higher quality, and of equal ones that in which
// the request is written. Browsers, which ask for HTML, get JSON. Beside an error it is the format to tell it in.
func accepted(accept string, r *http.Request) (preference, error) {
	if f, known := formats[accept]; known {
		return preference{f, 1, typeItself}, nil
	}
	own := ownFormat(r)
	if accept == "*/*" {
		return preference{own, 1, 1}, nil
	}
	inJSON, inXML := preference{}, preference{}
	for part := range strings.SplitSeq(accept, ",") {
		name, params, err := mime.ParseMediaType(part)
		if err != nil || !rightVersion(params) {
			continue
		}
		quality, err := qualityOf(params)
		if err != nil {
			continue
		}
		switch f, known := formats[name]; {
		case known && f.encoding == jsonEncoding:
			inJSON.consider(f, quality, typeItself)
		case known:
			inXML.consider(f, quality, typeItself)
		case name == "text/html":
			inJSON.consider(jsonFormat, quality, 2)
		case name == "application/*" || name == "text/*":
			inJSON.consider(jsonFormat, quality, 2)
			inXML.consider(xmlFormat, quality, 2)
		case name == "*/*":
			inJSON.consider(jsonFormat, quality, 1)
			inXML.consider(xmlFormat, quality, 1)
		}
	}
	first, second := inJSON, inXML
	if own.encoding == xmlEncoding {
		first, second = inXML, inJSON
	}
	if second.quality > first.quality {
		first = second
	}
	if first.quality == 0 {
		return preference{format: own}, fhir.Errorf(fhir.NotAcceptable, fhir.CodeNotSupported,
			"none of the formats that the client accepts is served; application/fhir+json and application/fhir+xml are").At("http.Accept")
	}
	return first, nil
}

// qualityFor is what Accept says of a type by its name; 0 where it does not.
func qualityFor(name, accept string) float64 {
	for part := range strings.SplitSeq(accept, ",") {
		if of, params, err := mime.ParseMediaType(part); err == nil && of == name {
			if quality, err := qualityOf(params); err == nil {
				return quality
			}
		}
	}
	return 0
}

func qualityOf(params map[string]string) (float64, error) {
	q, given := params["q"]
	if !given {
		return 1, nil
	}
	return strconv.ParseFloat(q, 64)
}

// readable is the format of a request body. What says nothing is taken for JSON.
func readable(contentType string) (format, error) {
	if contentType == "" {
		return jsonFormat, nil
	}
	name, params, err := mime.ParseMediaType(contentType)
	f, known := formats[name]
	if err != nil || !known || !rightVersion(params) || !isUTF8(params) {
		return f, fhir.Errorf(fhir.UnsupportedMedia, fhir.CodeNotSupported,
			"bodies of Content-Type %q are not read; send application/fhir+json or application/fhir+xml in UTF-8", contentType).At("http.Content-Type")
	}
	return f, nil
}

func isUTF8(params map[string]string) bool {
	charset := params["charset"]
	return charset == "" || strings.EqualFold(charset, "utf-8")
}

// rightVersion says whether the MIME parameter fhirVersion, if given, names R4 (http.html#version-parameter).
func rightVersion(params map[string]string) bool {
	v, given := params["fhirversion"]
	return !given || v == "4.0" || v == "4.0.1"
}

// parse reads a body in the format.
func (f format) parse(body []byte) (*fhir.Resource, error) {
	if f.encoding == xmlEncoding {
		return xml.Decode(body)
	}
	return fhir.Parse(body)
}

// render writes a resource's JSON text as it is wanted.
func (as representation) render(body []byte) ([]byte, error) {
	switch {
	case as.encoding == xmlEncoding:
		r, err := fhir.Parse(body)
		if err != nil { // a Bundle nests its resources deeper than they may nest themselves
			return nil, fhir.Errorf(fhir.NotAcceptable, fhir.CodeNotSupported, "the answer nests too deep to be written in XML; ask for JSON").Because(err)
		}
		return xml.Encode(r, as.pretty)
	case as.pretty:
		v := jsontext.Value(slices.Clone(body))
		if err := v.Indent(jsontext.WithIndent("  ")); err != nil {
			return nil, err
		}
		return append(v, '\n'), nil
	}
	return body, nil
}

// representationOf is representationFor a request whose parameters nobody has read, for refusals.
func representationOf(r *http.Request) representation {
	params, _ := resources.ParseQuery(r.URL.RawQuery)
	as, _ := representationFor(r, params)
	return as
}
