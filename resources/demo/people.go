package demo

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// person is what practitioners, patients and related persons have in common.
type person struct {
	family, given  string
	native         object // the name in its own script; empty where there is none
	female         bool
	born           time.Time
	language       code
	phone, mobile  string
	email, address string
	quarter        quarter
}

// newPerson draws somebody of that age in years.
func (w *world) newPerson(d dice, age int, c culture) person {
	p := person{female: d.chance(52), language: c.language, family: pick(d, c.family)}
	if p.female {
		p.given = pick(d, c.female)
	} else {
		p.given = pick(d, c.male)
	}
	p.native = nativeName(c, p)
	p.born = w.today.AddDate(-age, 0, -d.between(1, 364))
	p.phone, p.mobile = phone(d), phone(d)
	p.email = email(p, d.between(10, 99))
	p.quarter = pick(d, quarters)
	p.address = fmt.Sprintf("%d %s", d.between(1, 2400), pick(d, streets))
	return p
}

func phone(d dice) string {
	return fmt.Sprintf("(%s) 555-01%02d", pick(d, areaCodes), d.IntN(100))
}

var unaccented = runes.Remove(runes.In(unicode.Mn))

// email is made of the name without its accents, in a domain that cannot exist.
func email(p person, number int) string {
	plain, _, err := transform.String(transform.Chain(norm.NFD, unaccented, norm.NFC), p.given+"."+p.family)
	if err != nil {
		panic("demo: name " + p.given + " " + p.family + ": " + err.Error())
	}
	plain = strings.NewReplacer(" ", "", "'", "", "-", "", "đ", "d", "ł", "l", "ß", "ss").Replace(strings.ToLower(plain))
	return fmt.Sprintf("%s%d@mail.example", plain, number)
}

func nativeName(c culture, p person) object {
	family, given := c.native[p.family], c.native[p.given]
	if family == "" || given == "" {
		return nil
	}
	return object{
		"extension", list{object{"url", hl7 + "iso21090-EN-representation", "valueCode", "IDE"}},
		"use", "usual", "text", family + given, "family", family, "given", list{given},
	}
}

func (p person) fullName() string { return p.given + " " + p.family }

func (p person) gender() string {
	if p.female {
		return "female"
	}
	return "male"
}

// age in whole years at a time.
func (p person) age(at time.Time) int {
	years := at.Year() - p.born.Year()
	if at.Before(p.born.AddDate(years, 0, 0)) {
		years--
	}
	return years
}

func (p person) names() list {
	name := object{"use", "official", "text", p.fullName(), "family", p.family, "given", givenNames(p.given)}
	if len(p.native) > 0 {
		return list{name, p.native}
	}
	return list{name}
}

func givenNames(given string) list {
	var out list
	for name := range strings.FieldsSeq(given) {
		out = append(out, name)
	}
	return out
}

func (p person) telecom() list {
	return list{
		object{"system", "phone", "value", p.phone, "use", "home", "rank", 2},
		object{"system", "phone", "value", p.mobile, "use", "mobile", "rank", 1},
		object{"system", "email", "value", p.email},
	}
}

func (p person) homeAddress() object { return address("home", p.address, p.quarter) }

func address(use, line string, q quarter) object {
	return object{"use", use, "line", list{line}, "city", q.city, "state", "AZ", "postalCode", q.zip, "country", "US"}
}
