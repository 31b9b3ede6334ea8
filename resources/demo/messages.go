package demo

import (
	"strings"
	"time"
)

// thread is a conversation in the portal. In its texts {first} is the patient, {doctor} the practitioner, {drug}, {test} and
// {value} what it is about, {when} the next appointment.
type thread struct {
	topic    code
	about    subject
	messages []message
}

type subject uint8

const (
	anything    subject = iota
	medication          // a medication that the patient takes
	testResult          // a laboratory result
	appointment         // an appointment to come
)

// message is one of a thread, so long after the one before.
type message struct {
	fromClinic bool
	after      time.Duration
	text       string
}

func topic(c, display string) code { return code{terminology + "communication-topic", c, display} }

var (
	notification = code{terminology + "communication-category", "notification", "Notification"}
	instruction  = code{terminology + "communication-category", "instruction", "Instruction"}
)

var threads = []thread{
	{topic("prescription-refill-request", "Prescription Refill Request"), medication, []message{
		{false, 0, "Hello {doctor}, the {drug} runs out at the end of next week. Could you renew it, please?"},
		{true, 5 * time.Hour, "Good afternoon. I have sent a renewal of {drug} to the pharmacy. It should be ready tomorrow."},
		{false, 2 * time.Hour, "That was quick. Thank you!"},
	}},
	{topic("progress-update", "Progress Update"), medication, []message{
		{false, 0, "Since starting {drug} there has been some dizziness in the mornings. Is that to be expected?"},
		{true, 20 * time.Hour, "It often is in the first two weeks and passes. Getting up slowly helps. Please write again if it is not better by then, and call us at once after a fall."},
		{false, 3 * time.Hour, "Good to know, I will keep an eye on it."},
		{true, 1 * time.Hour, "Please do. I have put a note into the chart, and we will talk about it at the next visit."},
	}},
	{topic("report-labs", "Report Labs"), testResult, []message{
		{true, 0, "Dear {first}, your results have come back: {test} was {value}. They are in the portal, and we will go through them at your next visit."},
		{false, 4 * time.Hour, "Is that a number to worry about? It was marked in the portal."},
		{true, 19 * time.Hour, "No need to worry. We look at the trend more than at one value; please go on as we agreed, and we will test again in three months."},
	}},
	{topic("appointment-reminder", "Appointment Reminder"), appointment, []message{
		{true, 0, "This is a reminder of the appointment on {when} with {doctor}. If you cannot come, please cancel it in the portal so that somebody else can."},
	}},
	{topic("phone-consult", "Phone Consult"), anything, []message{
		{false, 0, "Could we talk on the phone some time this week? It is about the form for school and work."},
		{true, 7 * time.Hour, "Of course. I will call on Thursday between one and two o'clock. Please have the form at hand."},
	}},
	{topic("summary-report", "Summary Report"), anything, []message{
		{true, 0, "Dear {first}, the summary of your last visit is in the portal now. Please look it over, and tell us if something is missing or wrong."},
		{false, 26 * time.Hour, "I have read it. The list of medicines is right, thank you."},
	}},
}

// correspond writes up to two threads about what the patient has.
func (c *chart) correspond() {
	first := c.d.IntN(len(threads))
	for i := range c.d.between(0, 2) {
		c.putThread(threads[(first+i*2)%len(threads)])
	}
}

// putThread writes the thread's messages, each in response to the one before. Where there is nothing that it could be about, it
// writes none.
func (c *chart) putThread(t thread) {
	with, about := c.p.gp, object(nil)
	at := c.today.AddDate(0, 0, -c.d.between(4, 60)).Add(time.Duration(c.d.between(8*60, 17*60)) * time.Minute)
	words := []string{"{first}", c.p.given}
	switch t.about {
	case medication:
		if len(c.medications) == 0 {
			return
		}
		m := pick(c.d, c.medications)
		with, about = m.by, m.reference
		words = append(words, "{drug}", m.drug.name)
	case testResult:
		if len(c.tests) == 0 {
			return
		}
		r := c.tests[len(c.tests)-1]
		about, at = r.reference, r.at.Add(40*time.Minute)
		words = append(words, "{test}", r.measure.code.display, "{value}", r.value.String()+" "+r.measure.unit)
	case appointment:
		v := c.nextVisit()
		if v == nil {
			return
		}
		with, about = v.with, reference("Appointment", v.id("appointment", c.p), "")
		at = c.today.Add(-time.Duration(c.d.between(60, 900)) * time.Minute)
		words = append(words, "{when}", v.at.Format("Monday, January 2 at 3:04 PM"))
	}
	text := strings.NewReplacer(append(words, "{doctor}", with.displayName())...)
	var before object
	for i, m := range t.messages {
		at = at.Add(m.after)
		if at.After(c.today) {
			return
		}
		latest := i == len(t.messages)-1
		before = c.putMessage(t, m, text.Replace(m.text), at, with, about, before, latest && c.d.chance(40))
	}
}

func (c *chart) nextVisit() *visit {
	for _, v := range c.p.visits {
		if v.status == "booked" && v.at.After(c.today) {
			return v
		}
	}
	return nil
}

// putMessage writes one message. Who acts for the patient also writes for them. One that nobody has opened is not received yet.
func (c *chart) putMessage(t thread, m message, text string, sent time.Time, with *practitioner, about, inResponseTo object, unread bool) object {
	from, to := c.p.reference(), with.reference()
	if r := c.p.relative; r != nil && r.proxy {
		from = c.p.relativeReference()
	}
	category := notification
	if m.fromClinic {
		from, to, category = to, from, instruction
	}
	status, received := "completed", instant(sent.Add(time.Duration(c.d.between(3, 240))*time.Minute))
	if unread {
		status, received = "in-progress", ""
	}
	return c.add("Communication", "", object{
		"inResponseTo", listOf(inResponseTo),
		"status", status,
		"category", list{concept(category)},
		"priority", "routine",
		"medium", list{concept(written)},
		"subject", c.p.reference(),
		"topic", concept(t.topic),
		"about", listOf(about),
		"sent", instant(sent),
		"received", received,
		"recipient", list{to},
		"sender", from,
		"payload", list{object{"contentString", text}},
	})
}
