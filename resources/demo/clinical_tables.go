package demo

// span of whole numbers, both ends included; of a measure in units of its last digit.
type span struct{ low, high int }

// measure is a laboratory test or a vital sign.
type measure struct {
	code       code
	unit, ucum string
	digits     int  // behind the point
	reference  span // 0: no bound
	usual      span
	// raised is where people with the disorder are, and worse how much higher they were each year before.
	raised, worse span
	wobble        int // from one time to the next
}

func test(c, display string) code { return code{loinc, c, display} }

var (
	hba1c = &measure{test("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"), "%", "%", 1,
		span{0, 56}, span{49, 56}, span{62, 84}, span{1, 6}, 2}
	glucose = &measure{test("2345-7", "Glucose [Mass/volume] in Serum or Plasma"), "mg/dL", "mg/dL", 0,
		span{70, 99}, span{76, 99}, span{118, 190}, span{2, 9}, 9}
	cholesterol = &measure{test("2093-3", "Cholesterol [Mass/volume] in Serum or Plasma"), "mg/dL", "mg/dL", 0,
		span{0, 200}, span{145, 205}, span{208, 275}, span{4, 14}, 8}
	ldl = &measure{test("13457-7", "Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation"), "mg/dL", "mg/dL", 0,
		span{0, 100}, span{70, 112}, span{125, 188}, span{4, 13}, 7}
	hdl = &measure{test("2085-9", "Cholesterol in HDL [Mass/volume] in Serum or Plasma"), "mg/dL", "mg/dL", 0,
		span{40, 0}, span{42, 68}, span{32, 48}, span{-1, 0}, 3}
	triglycerides = &measure{test("2571-8", "Triglyceride [Mass/volume] in Serum or Plasma"), "mg/dL", "mg/dL", 0,
		span{0, 150}, span{70, 148}, span{155, 260}, span{3, 12}, 14}
	creatinine = &measure{test("2160-0", "Creatinine [Mass/volume] in Serum or Plasma"), "mg/dL", "mg/dL", 2,
		span{60, 120}, span{68, 112}, span{135, 240}, span{-14, -4}, 5}
	gfr = &measure{test("33914-3", "Glomerular filtration rate/1.73 sq M.predicted"), "mL/min/{1.73_m2}", "mL/min/{1.73_m2}", 0,
		span{60, 0}, span{72, 105}, span{28, 56}, span{2, 6}, 3}
	potassium = &measure{test("2823-3", "Potassium [Moles/volume] in Serum or Plasma"), "mmol/L", "mmol/L", 1,
		span{35, 51}, span{37, 48}, span{48, 54}, span{0, 1}, 2}
	hemoglobin = &measure{test("718-7", "Hemoglobin [Mass/volume] in Blood"), "g/dL", "g/dL", 1,
		span{120, 175}, span{126, 158}, span{94, 118}, span{-9, -3}, 4}
	ferritin = &measure{test("2276-4", "Ferritin [Mass/volume] in Serum or Plasma"), "ng/mL", "ng/mL", 0,
		span{15, 150}, span{30, 140}, span{5, 14}, span{-3, 0}, 2}

	systolic = &measure{test("8480-6", "Systolic blood pressure"), "mmHg", "mm[Hg]", 0,
		span{0, 130}, span{106, 128}, span{132, 158}, span{2, 6}, 5}
	diastolic = &measure{test("8462-4", "Diastolic blood pressure"), "mmHg", "mm[Hg]", 0,
		span{0, 80}, span{64, 80}, span{80, 96}, span{1, 4}, 4}
	heartRate = &measure{test("8867-4", "Heart rate"), "/min", "/min", 0,
		span{}, span{58, 84}, span{}, span{}, 5}
	bodyMass = &measure{test("39156-5", "Body mass index (BMI) [Ratio]"), "kg/m2", "kg/m2", 1,
		span{}, span{195, 296}, span{302, 392}, span{-6, 4}, 2}
	bodyHeight = &measure{test("8302-2", "Body height"), "cm", "cm", 0, span{}, span{}, span{}, span{}, 0}
	bodyWeight = &measure{test("29463-7", "Body weight"), "kg", "kg", 1, span{}, span{}, span{}, span{}, 0}
)

var bloodPressure = test("85354-9", "Blood pressure panel with all children optional")

// routineTests are done at an adult's yearly check-up.
var routineTests = []*measure{glucose, cholesterol, ldl, hdl, triglycerides, creatinine}

// Growth by age in years, from birth on: height in cm, weight in 100 g.
var (
	childHeight = []int{50, 75, 87, 95, 102, 109, 115, 121, 127, 133, 138, 143, 149, 156, 161, 165, 168, 170}
	childWeight = []int{35, 96, 122, 143, 163, 184, 207, 230, 258, 288, 322, 360, 402, 455, 508, 550, 585, 610}
)

// drug is a prescription as it is usually written.
type drug struct {
	name        string // as people say it
	code        code
	sig         string // the directions in words
	dose        decimal
	doseUnit    string
	timesDaily  int
	asNeeded    bool
	route       code
	quantity    int // dispensed at a time
	days        int // that it lasts
	repeats     int
	replacedFor code // why it is stopped where it is
}

var (
	oral       = code{snomed, "26643006", "Oral route"}
	inhaled    = code{snomed, "447694001", "Respiratory tract route"}
	intolerant = code{terminology + "medicationrequest-status-reason", "sintol", "Suspected intolerance"}
	alternate  = code{terminology + "medicationrequest-status-reason", "altchoice", "Try another treatment first"}
)

func rx(c, display string) code { return code{rxnorm, c, display} }

func tablet(name string, c code, daily int, sig string, days, repeats int, replacedFor code) drug {
	return drug{name, c, sig, decimal{1, 0}, "tablet", daily, false, oral, daily * days, days, repeats, replacedFor}
}

var (
	metforminER         = tablet("metformin", rx("860975", "24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet"), 1, "Take one tablet with the evening meal.", 90, 3, alternate)
	metformin           = tablet("metformin", rx("861007", "metformin hydrochloride 500 MG Oral Tablet"), 2, "Take one tablet twice a day with meals.", 90, 3, intolerant)
	hydrochlorothiazide = tablet("hydrochlorothiazide", rx("310798", "hydrochlorothiazide 25 MG Oral Tablet"), 1, "Take one tablet every morning.", 90, 3, alternate)
	lisinopril          = tablet("lisinopril", rx("314076", "lisinopril 10 MG Oral Tablet"), 1, "Take one tablet every morning.", 90, 3, intolerant)
	amlodipine          = tablet("amlodipine", rx("197361", "amlodipine 5 MG Oral Tablet"), 1, "Take one tablet every day.", 90, 3, intolerant)
	simvastatin         = tablet("simvastatin", rx("312961", "simvastatin 20 MG Oral Tablet"), 1, "Take one tablet at bedtime.", 90, 3, alternate)
	atorvastatin        = tablet("atorvastatin", rx("259255", "atorvastatin 80 MG Oral Tablet"), 1, "Take one tablet at bedtime.", 90, 3, intolerant)
	sertraline          = tablet("sertraline", rx("312940", "sertraline 25 MG Oral Tablet"), 1, "Take one tablet every morning.", 30, 5, intolerant)
	ferrousSulfate      = tablet("iron", rx("310325", "ferrous sulfate 325 MG Oral Tablet"), 1, "Take one tablet on an empty stomach.", 30, 5, intolerant)
	naproxen            = tablet("naproxen", rx("198014", "naproxen 500 MG Oral Tablet"), 2, "Take one tablet twice a day with food.", 14, 1, intolerant)
	furosemide          = tablet("furosemide", rx("313988", "furosemide 40 MG Oral Tablet"), 1, "Take one tablet every morning.", 30, 5, alternate)
	amoxicillin         = tablet("amoxicillin", rx("308192", "amoxicillin 500 MG Oral Tablet"), 3, "Take one tablet three times a day until all are gone.", 7, 0, intolerant)
	ibuprofen           = drug{"ibuprofen", rx("310965", "ibuprofen 200 MG Oral Tablet"), "Take two tablets up to three times a day as needed for pain.", decimal{2, 0}, "tablet", 3, true, oral, 42, 7, 0, intolerant}
	acetaminophen       = drug{"acetaminophen", rx("313782", "acetaminophen 325 MG Oral Tablet"), "Take two tablets up to four times a day as needed for fever or pain.", decimal{2, 0}, "tablet", 4, true, oral, 56, 7, 0, intolerant}
	albuterol           = drug{"albuterol", rx("2123111", "NDA020503 200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler"), "Inhale two puffs up to four times a day as needed for wheezing.", decimal{2, 0}, "puff", 4, true, inhaled, 1, 30, 5, alternate}
	fluticasone         = drug{"fluticasone", rx("895994", "120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler"), "Inhale two puffs twice a day; rinse the mouth afterwards.", decimal{2, 0}, "puff", 2, false, inhaled, 1, 30, 5, alternate}
)

// disorder is what people come with.
type disorder struct {
	snomed, icd code
	from, to    int // ages
	percent     int // of the people of these ages
	// raises are the measures that are off with it, and looked at on every visit.
	raises []*measure
	// drugs, one after the other where first ones are replaced.
	drugs     []drug
	specialty string // who looks after it beside the general practitioner; "" nobody
	days      int    // until it is over; 0: chronic
}

func finding(c, display string) code { return code{snomed, c, display} }
func icd(c, display string) code     { return code{icd10, c, display} }

// chronic disorders stay.
var chronic = []disorder{
	{finding("38341003", "Hypertensive disorder"), icd("I10", "Essential (primary) hypertension"), 35, 120, 38, []*measure{systolic, diastolic, creatinine, potassium}, []drug{hydrochlorothiazide, lisinopril, amlodipine}, "cardiology", 0},
	{finding("44054006", "Diabetes mellitus type 2"), icd("E11.9", "Type 2 diabetes mellitus without complications"), 35, 120, 17, []*measure{hba1c, glucose}, []drug{metforminER, metformin}, "endocrinology", 0},
	{finding("55822004", "Hyperlipidemia"), icd("E78.5", "Hyperlipidemia, unspecified"), 40, 120, 28, []*measure{cholesterol, ldl, hdl, triglycerides}, []drug{simvastatin, atorvastatin}, "", 0},
	{finding("414916001", "Obesity"), icd("E66.9", "Obesity, unspecified"), 18, 75, 20, []*measure{bodyMass}, nil, "", 0},
	{finding("195967001", "Asthma"), icd("J45.909", "Unspecified asthma, uncomplicated"), 4, 70, 10, nil, []drug{albuterol, fluticasone}, "pulmonology", 0},
	{finding("709044004", "Chronic kidney disease"), icd("N18.9", "Chronic kidney disease, unspecified"), 60, 120, 14, []*measure{creatinine, gfr, potassium}, []drug{furosemide}, "", 0},
	{finding("35489007", "Depressive disorder"), icd("F32.A", "Depression, unspecified"), 16, 90, 11, nil, []drug{sertraline}, "psychiatry", 0},
	{finding("271737000", "Anemia"), icd("D64.9", "Anemia, unspecified"), 14, 55, 7, []*measure{hemoglobin, ferritin}, []drug{ferrousSulfate}, "", 0},
	{finding("239873007", "Osteoarthritis of knee"), icd("M17.9", "Osteoarthritis of knee, unspecified"), 50, 120, 15, nil, []drug{naproxen}, "orthopedics", 0},
}

// acute disorders are the reason of a visit and go away.
var acute = []disorder{
	{finding("195662009", "Acute viral pharyngitis"), icd("J02.8", "Acute pharyngitis due to other specified organisms"), 3, 120, 10, nil, nil, "", 10},
	{finding("43878008", "Streptococcal sore throat"), icd("J02.0", "Streptococcal pharyngitis"), 6, 60, 10, nil, []drug{amoxicillin}, "", 10},
	{finding("444814009", "Viral sinusitis"), icd("J01.90", "Acute sinusitis, unspecified"), 6, 120, 10, nil, nil, "", 14},
	{finding("10509002", "Acute bronchitis"), icd("J20.9", "Acute bronchitis, unspecified"), 12, 120, 10, nil, []drug{acetaminophen}, "", 21},
	{finding("65363002", "Otitis media"), icd("H66.90", "Otitis media, unspecified, unspecified ear"), 0, 8, 10, nil, nil, "", 10},
	{finding("44465007", "Sprain of ankle"), icd("S93.409A", "Sprain of unspecified ligament of unspecified ankle, initial encounter"), 8, 60, 10, nil, []drug{ibuprofen}, "", 28},
	{finding("278860009", "Chronic low back pain"), icd("M54.50", "Low back pain, unspecified"), 25, 75, 10, nil, []drug{naproxen}, "", 90},
}

// allergy to a substance.
type allergy struct {
	code, reaction code
	category       string // AllergyIntolerance.category
	criticality    string
	severity       string
}

var allergies = []allergy{
	{finding("91936005", "Allergy to penicillin"), finding("126485001", "Urticaria"), "medication", "high", "moderate"},
	{finding("91935009", "Allergy to peanuts"), finding("39579001", "Anaphylaxis"), "food", "high", "severe"},
	{finding("300913006", "Shellfish allergy"), finding("271807003", "Eruption of skin"), "food", "low", "moderate"},
	{finding("419263009", "Allergy to tree pollen"), finding("162367006", "Sneezing"), "environment", "low", "mild"},
	{finding("232350006", "House dust mite allergy"), finding("49727002", "Cough"), "environment", "low", "mild"},
	{finding("300916003", "Latex allergy"), finding("271807003", "Eruption of skin"), "environment", "low", "moderate"},
	{finding("424213003", "Allergy to bee venom"), finding("39579001", "Anaphylaxis"), "environment", "high", "severe"},
}

// vaccine and the ages in months at which it is given.
type vaccine struct {
	code   code
	months []int
}

func shot(c, display string) code { return code{cvx, c, display} }

var influenza = shot("140", "Influenza, seasonal, injectable, preservative free")

var vaccines = []vaccine{
	{shot("08", "Hep B, adolescent or pediatric"), []int{0, 2, 6}},
	{shot("20", "DTaP"), []int{2, 4, 6, 15}},
	{shot("10", "IPV"), []int{2, 4, 6}},
	{shot("03", "MMR"), []int{12, 48}},
	{shot("21", "varicella"), []int{12, 48}},
	{shot("115", "Tdap"), []int{11 * 12}},
	{shot("114", "meningococcal MCV4P"), []int{11 * 12, 16 * 12}},
	{shot("113", "Td (adult) preservative free"), []int{21 * 12, 31 * 12, 41 * 12, 51 * 12, 61 * 12, 71 * 12, 81 * 12}},
	{shot("121", "zoster"), []int{50 * 12}},
	{shot("133", "Pneumococcal conjugate PCV 13"), []int{65 * 12}},
}
