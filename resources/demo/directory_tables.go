package demo

// site is a location of the clinic.
type site struct {
	id, name, line string
	quarter        quarter
	phone          string
	kind           code
	// latitude and longitude in degrees, four digits.
	latitude, longitude int
	about               string
}

var sites = []site{
	{"location-main", "Agua Serena Main Clinic", "100 Sonora Avenue", quarters[0], "(520) 555-0100",
		code{terminology + "v3-RoleCode", "OF", "Outpatient facility"}, 330612, -1115237,
		"Primary care, laboratory and pharmacy. Step-free entrance from the car park."},
	{"location-mesquite", "Mesquite Flats Family Health", "27 Quail Run", quarters[2], "(520) 555-0110",
		code{terminology + "v3-RoleCode", "OF", "Outpatient facility"}, 331288, -1114401,
		"Family medicine in the north of the town. Spanish spoken at the desk."},
	{"location-ocotillo", "Ocotillo Women's and Children's Center", "8 Ocotillo Way", quarters[1], "(520) 555-0120",
		code{terminology + "v3-RoleCode", "PEDC", "Pediatrics clinic"}, 330397, -1115861,
		"Pediatrics, obstetrics and gynecology, immunizations."},
	{"location-palo-verde", "Palo Verde Specialty Center", "410 Copper Queen Drive", quarters[3], "(520) 555-0130",
		code{terminology + "v3-RoleCode", "OF", "Outpatient facility"}, 329874, -1116120,
		"Specialists, by referral."},
}

// organization that the clinic is or works with.
type organization struct {
	id, name, partOf string
	kind             code
	phone            string
}

const (
	clinicID     = "clinic"
	laboratoryID = "laboratory"
)

var (
	provider = code{terminology + "organization-type", "prov", "Healthcare Provider"}
	payer    = code{terminology + "organization-type", "pay", "Payer"}
	network  = code{planNet + "CodeSystem/OrgTypeCS", "ntwk", "Network"}
)

var organizations = []organization{
	{clinicID, "Agua Serena Community Health", "", provider, "(520) 555-0100"},
	{laboratoryID, "Agua Serena Clinical Laboratory", clinicID, provider, "(520) 555-0105"},
	{"payer-mesa", "Mesa Mutual Demonstration Insurance", "", payer, "(602) 555-0140"},
	{"payer-rim", "Rim Country Demonstration Health Plan", "", payer, "(928) 555-0150"},
	{"payer-state", "State Demonstration Health Program", "", payer, "(602) 555-0160"},
	{"network-mesa-ppo", "Mesa Mutual PPO Network", "payer-mesa", network, ""},
	{"network-rim-hmo", "Rim Country HMO Network", "payer-rim", network, ""},
	{"network-state", "State Program Network", "payer-state", network, ""},
}

// networks are what a role may accept.
var networks = organizations[5:]

// specialty is a kind of practitioner, and the healthcare service that they give.
type specialty struct {
	id, name, title string // of the service, and of who gives it
	degree          code
	role            code
	snomed, nucc    code // specialty codes: practice setting, and the US provider taxonomy
	service         code // service type
	category        code // service category
	minutes         int  // length of a visit
	staff           int  // how many of the 25
	primary         bool // may be a general practitioner
	children        bool // sees patients under 16, and nobody else
	sites           []int
}

var (
	doctorOfMedicine    = code{terminology + "v2-0360", "MD", "Doctor of Medicine"}
	doctorOfOsteopathy  = code{terminology + "v2-0360", "DO", "Doctor of Osteopathy"}
	nursePractitioner   = code{terminology + "v2-0360", "NP", "Nurse Practitioner"}
	doctorOfPhilosophy  = code{terminology + "v2-0360", "PHD", "Doctor of Philosophy"}
	doctor              = code{terminology + "practitioner-role", "doctor", "Doctor"}
	nurse               = code{terminology + "practitioner-role", "nurse", "Nurse"}
	generalPractice     = code{terminology + "service-category", "17", "General Practice"}
	specialistMedical   = code{terminology + "service-category", "27", "Specialist Medical"}
	specialistObstetric = code{terminology + "service-category", "28", "Specialist Obstetrics & Gynecology"}
	specialistPediatric = code{terminology + "service-category", "29", "Specialist Paediatric"}
	specialistSurgical  = code{terminology + "service-category", "31", "Specialist Surgical"}
	mentalHealth        = code{terminology + "service-category", "22", "Mental Health"}
)

func practice(c, display string) code { return code{snomed, c, display} }
func taxonomy(c, display string) code { return code{nucc, c, display} }
func service(c, display string) code {
	return code{terminology + "service-type", c, display}
}

var specialties = []specialty{
	{"family", "Family medicine", "Family physician", doctorOfMedicine, doctor, practice("419772000", "Family practice"), taxonomy("207Q00000X", "Family Medicine Physician"),
		service("124", "General Practice"), generalPractice, 30, 5, true, false, []int{0, 1}},
	{"osteopathy", "Family and osteopathic medicine", "Family physician", doctorOfOsteopathy, doctor, practice("419772000", "Family practice"), taxonomy("207Q00000X", "Family Medicine Physician"),
		service("124", "General Practice"), generalPractice, 30, 2, true, false, []int{1, 0}},
	{"internal", "Internal medicine", "Internist", doctorOfMedicine, doctor, practice("419192003", "Internal medicine"), taxonomy("207R00000X", "Internal Medicine Physician"),
		service("124", "General Practice"), generalPractice, 30, 3, true, false, []int{0, 1}},
	{"nursing", "Nurse-led primary care", "Nurse practitioner", nursePractitioner, nurse, practice("394814009", "General practice"), taxonomy("363LF0000X", "Family Nurse Practitioner"),
		service("59", "Nursing"), generalPractice, 30, 3, true, false, []int{1, 0, 2}},
	{"pediatrics", "Pediatrics", "Pediatrician", doctorOfMedicine, doctor, practice("394537008", "Pediatric specialty"), taxonomy("208000000X", "Pediatrics Physician"),
		service("200", "Paediatric Medicine"), specialistPediatric, 30, 3, true, true, []int{2, 1}},
	{"obstetrics", "Obstetrics and gynecology", "Obstetrician and gynecologist", doctorOfMedicine, doctor, practice("394585009", "Obstetrics and gynecology"), taxonomy("207V00000X", "Obstetrics & Gynecology Physician"),
		service("186", "Obstetrics & Gynaecology"), specialistObstetric, 45, 2, false, false, []int{2}},
	{"cardiology", "Cardiology", "Cardiologist", doctorOfMedicine, doctor, practice("394579002", "Cardiology"), taxonomy("207RC0000X", "Cardiovascular Disease Physician"),
		service("165", "Cardiology"), specialistMedical, 45, 2, false, false, []int{3}},
	{"endocrinology", "Endocrinology and diabetes", "Endocrinologist", doctorOfMedicine, doctor, practice("394583002", "Endocrinology"), taxonomy("207RE0101X", "Endocrinology, Diabetes & Metabolism Physician"),
		service("169", "Endocrinology"), specialistMedical, 45, 1, false, false, []int{3, 0}},
	{"pulmonology", "Lung and sleep medicine", "Pulmonologist", doctorOfOsteopathy, doctor, practice("418112009", "Pulmonary medicine"), taxonomy("207RP1001X", "Pulmonary Disease Physician"),
		service("184", "Thoracic Medicine"), specialistMedical, 45, 1, false, false, []int{3}},
	{"orthopedics", "Orthopedics", "Orthopedic surgeon", doctorOfMedicine, doctor, practice("394801008", "Trauma and orthopedics"), taxonomy("207X00000X", "Orthopaedic Surgery Physician"),
		service("181", "Rehabilitation Medicine"), specialistSurgical, 30, 1, false, false, []int{3}},
	{"psychiatry", "Psychiatry", "Psychiatrist", doctorOfMedicine, doctor, practice("394587001", "Psychiatry"), taxonomy("2084P0800X", "Psychiatry Physician"),
		service("141", "Psychiatry (Requires Referral)"), mentalHealth, 60, 1, false, false, []int{3, 0}},
	{"psychology", "Psychology", "Clinical psychologist", doctorOfPhilosophy, doctor, practice("394913002", "Psychotherapy"), taxonomy("103TC0700X", "Clinical Psychologist"),
		service("142", "Psychology"), mentalHealth, 60, 1, false, false, []int{3}},
}
