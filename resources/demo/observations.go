package demo

import (
	"slices"
	"time"
)

// measure writes the vital signs and tests of a visit. Nothing is measured by video.
func (c *chart) measure(v *visit) {
	if v.shift.remote {
		return
	}
	age := c.p.age(v.at)
	height, weight := c.size(v.at)
	c.vital(v, bodyWeight, "bodyweight", weight)
	if v.kind == checkup || age < 18 {
		c.vital(v, bodyHeight, "bodyheight", height)
	}
	if age >= 2 {
		// kg/m² of one digit from hundreds of grams and whole centimetres, rounded
		c.vital(v, bodyMass, "bmi", (weight*10000+height*height/2)/(height*height))
	}
	c.vital(v, heartRate, "heartrate", c.reading(heartRate, v.at)+max(0, 12-age)*4)
	if age >= 13 {
		c.putBloodPressure(v)
	}
	for _, m := range c.testsDue(v) {
		c.putTest(v, m)
	}
}

// testsDue are those of the patient's disorders, and the yearly ones at a check-up.
func (c *chart) testsDue(v *visit) []*measure {
	var due []*measure
	if v.problem == nil && c.p.age(v.at) >= 30 {
		due = append(due, routineTests...)
	}
	for _, k := range c.p.chronicProblems() {
		for _, m := range k.raises {
			if !slices.Contains(due, m) && m != systolic && m != diastolic && m != bodyMass && !v.at.Before(k.onset) {
				due = append(due, m)
			}
		}
	}
	return due
}

// size is height in cm and weight in 100 g: along the curve for children, by the body mass index for adults.
func (c *chart) size(at time.Time) (height, weight int) {
	d := c.dice("size", c.p.number)
	tall, heavy := d.between(-7, 7), d.between(-12, 18) // percent off the curve
	age := c.p.age(at)
	if age < len(childHeight) {
		h, w := childHeight[age], childWeight[age]
		if next := age + 1; next < len(childHeight) {
			days := int(at.Sub(c.p.born.AddDate(age, 0, 0)).Hours() / 24)
			h += (childHeight[next] - h) * days / 366
			w += (childWeight[next] - w) * days / 366
		}
		return h * (100 + tall) / 100, w * (100 + heavy) / 100
	}
	height = 176
	if c.p.female {
		height = 163
	}
	height = height * (100 + tall) / 100
	return height, c.reading(bodyMass, at) * height * height / 10000
}

// reading is what is measured at a time: the patient's level now, what it was worse by then, and chance.
func (c *chart) reading(m *measure, at time.Time) int {
	usual := c.dice("level "+m.code.code, c.p.number)
	level, slope := usual.between(m.usual.low, m.usual.high), 0
	if c.raised(m) {
		level, slope = usual.between(m.raised.low, m.raised.high), usual.between(m.worse.low, m.worse.high)
	}
	days := int(c.today.Sub(at).Hours() / 24)
	return level + slope*days/365 + c.d.between(-m.wobble, m.wobble)
}

func (c *chart) raised(m *measure) bool {
	return slices.ContainsFunc(c.p.problems, func(k *problem) bool { return slices.Contains(k.raises, m) })
}

func (m *measure) quantity(value int) object {
	return object{"value", decimal{value, m.digits}, "unit", m.unit, "system", ucum, "code", m.ucum}
}

// vital writes a vital sign by its profile of R4.
func (c *chart) vital(v *visit, m *measure, profile string, value int) {
	c.add("Observation", hl7+profile, object{
		"status", "final",
		"category", list{concept(vitalSigns)},
		"code", concept(m.code),
		"subject", c.p.reference(),
		"encounter", c.encounter(v),
		"effectiveDateTime", instant(v.at.Add(5 * time.Minute)),
		"performer", list{v.with.reference()},
		"valueQuantity", m.quantity(value),
	})
}

func (c *chart) putBloodPressure(v *visit) {
	high, low := c.reading(systolic, v.at), c.reading(diastolic, v.at)
	component := func(m *measure, value int) object {
		return object{"code", concept(m.code), "valueQuantity", m.quantity(value), "interpretation", list{m.interpretation(value)}}
	}
	c.add("Observation", hl7+"bp", object{
		"status", "final",
		"category", list{concept(vitalSigns)},
		"code", concept(bloodPressure),
		"subject", c.p.reference(),
		"encounter", c.encounter(v),
		"effectiveDateTime", instant(v.at.Add(6 * time.Minute)),
		"performer", list{v.with.reference()},
		"bodySite", concept(finding("368209003", "Right upper arm")),
		"component", list{component(systolic, high), component(diastolic, low)},
	})
}

// putTest writes a laboratory result; it comes back the next day.
func (c *chart) putTest(v *visit, m *measure) {
	value := c.reading(m, v.at)
	issued := v.at.Add(26 * time.Hour)
	if issued.After(c.today) {
		issued = v.at.Add(time.Hour)
	}
	var bounds object
	if m.reference.low > 0 {
		bounds = append(bounds, "low", m.quantity(m.reference.low))
	}
	if m.reference.high > 0 {
		bounds = append(bounds, "high", m.quantity(m.reference.high))
	}
	ref := c.add("Observation", "", object{
		"status", "final",
		"category", list{concept(laboratory)},
		"code", concept(m.code),
		"subject", c.p.reference(),
		"encounter", c.encounter(v),
		"effectiveDateTime", instant(v.at.Add(20 * time.Minute)),
		"issued", instant(issued),
		"performer", list{reference("Organization", laboratoryID, organizations[1].name)},
		"valueQuantity", m.quantity(value),
		"interpretation", list{m.interpretation(value)},
		"referenceRange", listOf(bounds),
	})
	c.tests = append(c.tests, result{m, decimal{value, m.digits}, issued, ref})
}

func (m *measure) interpretation(value int) object {
	grade := func(c, display string) object {
		return concept(code{terminology + "v3-ObservationInterpretation", c, display})
	}
	switch {
	case m.reference.high > 0 && value > m.reference.high:
		return grade("H", "High")
	case value < m.reference.low:
		return grade("L", "Low")
	}
	return grade("N", "Normal")
}
