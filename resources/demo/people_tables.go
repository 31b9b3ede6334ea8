package demo

// culture is where a person's name comes from, and the language they like to be spoken to in.
type culture struct {
	language     code
	family       []string
	female, male []string
	// native are names in the language's own script, by the transcription.
	native map[string]string
}

// cultures repeat by their share of the town.
var cultures = []culture{anglo, anglo, anglo, hispanic, hispanic, hispanic, navajo, vietnamese, chinese, arabic, igbo, indian, northern, polish}

var anglo = culture{
	language: english,
	family:   []string{"Whitfield", "Harlow", "O'Brien", "Fairbanks", "Smith-Jones", "Ashdown", "MacAllister", "Underhill", "Quill", "Thornbury"},
	female:   []string{"Olivia", "Hannah", "Grace", "Abigail", "Nora", "Ruth", "Eleanor", "Zoë", "Imogen", "Beatrice"},
	male:     []string{"Henry", "Caleb", "Oscar", "Theodore", "Miles", "Edwin", "Jasper", "Leonard", "Rufus", "Walter"},
}

var hispanic = culture{
	language: code{language, "es", "Spanish"},
	family:   []string{"García Núñez", "de la Cruz", "Peña", "Ibáñez Soto", "Montoya", "Zamora Ruiz", "Castañeda", "Benítez", "Quiñones", "Fuentes"},
	female:   []string{"María José", "Lucía", "Ximena", "Inés", "Guadalupe", "Paloma", "Rocío", "Catalina", "Ángela"},
	male:     []string{"José María", "Andrés", "Mateo", "Joaquín", "Raúl", "Ignacio", "Tomás", "Ángel", "Emilio"},
}

var navajo = culture{
	language: code{language, "nv", "Navajo"},
	family:   []string{"Begay", "Yazzie", "Tsosie", "Benally", "Nez", "Bitsui", "Tohe"},
	female:   []string{"Haseya", "Nizhoni", "Shandiin", "Doli", "Yanaba", "Sahkyo"},
	male:     []string{"Ahiga", "Bidziil", "Niyol", "Shilah", "Tse", "Yas"},
}

var vietnamese = culture{
	language: code{language, "vi", "Vietnamese"},
	family:   []string{"Nguyễn", "Trần", "Lê", "Phạm", "Đặng", "Võ"},
	female:   []string{"Thị Hồng", "Lan", "Mỹ Linh", "Ngọc Ánh", "Thảo"},
	male:     []string{"Văn Dũng", "Minh", "Quang Hải", "Tuấn", "Đức"},
}

var chinese = culture{
	language: code{language, "zh", "Chinese"},
	family:   []string{"Wang", "Li", "Zhang", "Ouyang", "Chen", "Zhao"},
	female:   []string{"Xiaomei", "Lihua", "Yuting", "Jing"},
	male:     []string{"Xiaoming", "Wei", "Jianguo", "Zihan"},
	native: map[string]string{
		"Wang": "王", "Li": "李", "Zhang": "张", "Ouyang": "欧阳", "Chen": "陈", "Zhao": "赵",
		"Xiaomei": "小梅", "Lihua": "丽华", "Yuting": "玉婷", "Jing": "静",
		"Xiaoming": "小明", "Wei": "伟", "Jianguo": "建国", "Zihan": "子涵",
	},
}

var arabic = culture{
	language: code{language, "ar", "Arabic"},
	family:   []string{"Al-Sayed", "Haddad", "El Masri", "Khoury", "Bin Rashid", "Nassar"},
	female:   []string{"Layla", "Amina", "Noor", "Yasmin", "Rania"},
	male:     []string{"Omar", "Karim", "Yusuf", "Tariq", "Sami"},
	native: map[string]string{
		"Haddad": "حداد", "Khoury": "خوري", "Nassar": "نصار",
		"Layla": "ليلى", "Amina": "أمينة", "Noor": "نور", "Yasmin": "ياسمين", "Rania": "رانيا",
		"Omar": "عمر", "Karim": "كريم", "Yusuf": "يوسف", "Tariq": "طارق", "Sami": "سامي",
	},
}

var igbo = culture{
	language: english,
	family:   []string{"Okafor", "Adébáyò", "Eze", "Nwosu", "Chukwu", "Onyekachi"},
	female:   []string{"Chioma", "Adaeze", "Ngozi", "Ifeoma", "Amara"},
	male:     []string{"Emeka", "Chidi", "Obinna", "Kelechi", "Uche"},
}

var indian = culture{
	language: code{language, "hi", "Hindi"},
	family:   []string{"Krishnamurthy", "Patel", "Iyer", "Banerjee", "Sharma", "Reddy"},
	female:   []string{"Anjali", "Priya", "Meera", "Kavya", "Sunita"},
	male:     []string{"Arjun", "Vikram", "Rohan", "Suresh", "Dev"},
}

var northern = culture{
	language: english,
	family:   []string{"van der Berg", "de Vries", "ter Haar", "van Dijk", "Groß", "Müller-Lüdenscheid"},
	female:   []string{"Anneke", "Femke", "Saskia", "Jantje", "Liesel"},
	male:     []string{"Pieter", "Bram", "Joost", "Günther", "Sören"},
}

var polish = culture{
	language: code{language, "pl", "Polish"},
	family:   []string{"Wiśniewski", "Kowalczyk", "Łukasik", "Zając", "Brzęczyszczykiewicz"},
	female:   []string{"Agnieszka", "Małgorzata", "Zofia", "Jadwiga"},
	male:     []string{"Łukasz", "Wojciech", "Grzegorz", "Stanisław"},
}

// streets and quarters of a town that is on no map. Its ZIP codes are not in use.
var (
	streets  = []string{"Ocotillo Way", "Mesquite Street", "Quail Run", "Sonora Avenue", "Cholla Lane", "Juniper Terrace", "Calle del Sol", "Old Ferry Road", "Copper Queen Drive", "Roadrunner Circle", "Ironwood Court"}
	quarters = []quarter{{"Agua Serena", "85990"}, {"Agua Serena", "85991"}, {"Mesquite Flats", "85992"}, {"Palo Seco", "85993"}, {"Rim View", "85994"}}
)

type quarter struct{ city, zip string }

// areaCodes of Arizona. In each, 555-0100 to 555-0199 are kept for fiction.
var areaCodes = []string{"480", "520", "602", "623", "928"}
