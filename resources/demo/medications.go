package demo

import "time"

// prescribe writes the medication requests for a problem: those of the past, and what the patient takes now.
func (c *chart) prescribe(k *problem) {
	if len(k.drugs) == 0 {
		return
	}
	if k.days > 0 {
		c.putMedication(k, k.drugs[0], k.seen.at, "completed", c.encounter(k.seen), k.seen.with)
		return
	}
	current := c.d.IntN(len(k.drugs)) // those before it were tried first
	since := k.onset.AddDate(0, 0, 1).Add(10 * time.Hour)
	for _, d := range k.drugs[:current] {
		c.putMedication(k, d, since, "stopped", nil, c.p.gp)
		since = since.Add(c.today.Sub(since) / 3).Truncate(time.Minute)
	}
	by, encounter := c.p.gp, object(nil)
	for _, v := range c.p.visits { // each visit about it renews the prescription
		if v.problem == k && v.status == "fulfilled" && v.at.After(since) {
			c.putMedication(k, k.drugs[current], since, "completed", encounter, by)
			by, since, encounter = v.with, v.at, c.encounter(v)
		}
	}
	ref := c.putMedication(k, k.drugs[current], since, "active", encounter, by)
	c.medications = append(c.medications, prescribed{k.drugs[current], ref, by})
}

func (c *chart) putMedication(k *problem, d drug, at time.Time, status string, encounter object, by *practitioner) object {
	var reason object
	if status == "stopped" {
		reason = concept(d.replacedFor)
	}
	supply := func(n int, unit string) object { return object{"value", n, "unit", unit} }
	return c.add("MedicationRequest", "", object{
		"status", status,
		"statusReason", reason,
		"intent", "order",
		"category", list{concept(community)},
		"medicationCodeableConcept", concept(d.code),
		"subject", c.p.reference(),
		"encounter", encounter,
		"authoredOn", instant(at),
		"requester", by.reference(),
		"reasonReference", list{c.condition(k)},
		"dosageInstruction", list{d.dosage()},
		"dispenseRequest", object{
			"validityPeriod", object{"start", date(at), "end", date(at.AddDate(0, 0, d.days*(d.repeats+1)))},
			"numberOfRepeatsAllowed", d.repeats,
			"quantity", supply(d.quantity, d.doseUnit),
			"expectedSupplyDuration", append(supply(d.days, "days"), "system", ucum, "code", "d"),
		},
	})
}

func (d drug) dosage() object {
	o := object{
		"sequence", 1,
		"text", d.sig,
		"timing", object{"repeat", object{"frequency", d.timesDaily, "period", 1, "periodUnit", "d"}},
	}
	if d.asNeeded {
		o = append(o, "asNeededBoolean", true)
	}
	return append(o,
		"route", concept(d.route),
		"doseAndRate", list{object{
			"type", concept(code{terminology + "dose-rate-type", "ordered", "Ordered"}),
			"doseQuantity", object{"value", d.dose, "unit", d.doseUnit},
		}},
	)
}
