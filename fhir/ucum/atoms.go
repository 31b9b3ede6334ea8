package ucum

import (
	"math/big"
	"sync"
)

// atom is a unit that is so many of another one. A metric one takes prefixes.
type atom struct {
	number, unit string
	metric       bool
}

const (
	metric = true
	plain  = false
)

// prefixes of metric units, decimal (table 1 of the specification) and binary (§31).
var prefixes = map[string]string{
	"Y": "1e24", "Z": "1e21", "E": "1e18", "P": "1e15", "T": "1e12", "G": "1e9", "M": "1e6", "k": "1e3", "h": "1e2", "da": "1e1",
	"d": "1e-1", "c": "1e-2", "m": "1e-3", "u": "1e-6", "n": "1e-9", "p": "1e-12", "f": "1e-15", "a": "1e-18", "z": "1e-21", "y": "1e-24",
	"Ki": "1024", "Mi": "1048576", "Gi": "1073741824", "Ti": "1099511627776",
}

// atoms are the units that are made of others, in the order of the specification's tables.
var atoms = map[string]atom{
	// dimensionless
	"10*": {"10", "1", plain}, "10^": {"10", "1", plain},
	"[pi]": {"3.1415926535897932384626433832795028841971693993751058209749445923", "1", plain}, "%": {"1", "10*-2", plain},
	"[ppth]": {"1", "10*-3", plain}, "[ppm]": {"1", "10*-6", plain}, "[ppb]": {"1", "10*-9", plain},
	"[pptr]": {"1", "10*-12", plain},
	// SI units
	"mol": {"6.0221367", "10*23", metric}, "sr": {"1", "rad2", metric}, "Hz": {"1", "s-1", metric},
	"N": {"1", "kg.m/s2", metric}, "Pa": {"1", "N/m2", metric}, "J": {"1", "N.m", metric}, "W": {"1", "J/s", metric},
	"A": {"1", "C/s", metric}, "V": {"1", "J/C", metric}, "F": {"1", "C/V", metric}, "Ohm": {"1", "V/A", metric},
	"S": {"1", "Ohm-1", metric}, "Wb": {"1", "V.s", metric}, "T": {"1", "Wb/m2", metric}, "H": {"1", "Wb/A", metric},
	"lm": {"1", "cd.sr", metric}, "lx": {"1", "lm/m2", metric}, "Bq": {"1", "s-1", metric}, "Gy": {"1", "J/kg", metric},
	"Sv": {"1", "J/kg", metric},
	// other units from ISO 1000, ISO 2955, and some of ANSI X3.50
	"gon": {"0.9", "deg", plain}, "deg": {"2", "[pi].rad/360", plain}, "'": {"1", "deg/60", plain}, "''": {"1", "'/60", plain},
	"l": {"1", "dm3", metric}, "L": {"1", "l", metric}, "ar": {"100", "m2", metric}, "min": {"60", "s", plain},
	"h": {"60", "min", plain}, "d": {"24", "h", plain}, "a_t": {"365.24219", "d", plain}, "a_j": {"365.25", "d", plain},
	"a_g": {"365.2425", "d", plain}, "a": {"1", "a_j", plain}, "wk": {"7", "d", plain}, "mo_s": {"29.53059", "d", plain},
	"mo_j": {"1", "a_j/12", plain}, "mo_g": {"1", "a_g/12", plain}, "mo": {"1", "mo_j", plain}, "t": {"1e3", "kg", metric},
	"bar": {"1e5", "Pa", metric}, "u": {"1.6605402e-24", "g", metric}, "eV": {"1", "[e].V", metric},
	"AU": {"149597.870691", "Mm", plain}, "pc": {"3.085678e16", "m", metric},
	// natural units
	"[c]": {"299792458", "m/s", metric}, "[h]": {"6.6260755e-34", "J.s", metric}, "[k]": {"1.380658e-23", "J/K", metric},
	"[eps_0]": {"8.854187817e-12", "F/m", metric}, "[mu_0]": {"1", "4.[pi].10*-7.N/A2", metric},
	"[e]": {"1.60217733e-19", "C", metric}, "[m_e]": {"9.1093897e-28", "g", metric}, "[m_p]": {"1.6726231e-24", "g", metric},
	"[G]": {"6.67259e-11", "m3.kg-1.s-2", metric}, "[g]": {"9.80665", "m/s2", metric}, "atm": {"101325", "Pa", plain},
	"[ly]": {"1", "[c].a_j", metric}, "gf": {"1", "g.[g]", metric}, "[lbf_av]": {"1", "[lb_av].[g]", plain},
	// CGS units
	"Ky": {"1", "cm-1", metric}, "Gal": {"1", "cm/s2", metric}, "dyn": {"1", "g.cm/s2", metric}, "erg": {"1", "dyn.cm", metric},
	"P": {"1", "dyn.s/cm2", metric}, "Bi": {"10", "A", metric}, "St": {"1", "cm2/s", metric}, "Mx": {"1e-8", "Wb", metric},
	"G": {"1e-4", "T", metric}, "Oe": {"250", "/[pi].A/m", metric}, "Gb": {"1", "Oe.cm", metric}, "sb": {"1", "cd/cm2", metric},
	"Lmb": {"1", "cd/cm2/[pi]", metric}, "ph": {"1e-4", "lx", metric}, "Ci": {"37e9", "Bq", metric},
	"R": {"2.58e-4", "C/kg", metric}, "RAD": {"100", "erg/g", metric}, "REM": {"1", "RAD", metric},
	// international customary, US survey and British imperial lengths
	"[in_i]": {"2.54", "cm", plain}, "[ft_i]": {"12", "[in_i]", plain}, "[yd_i]": {"3", "[ft_i]", plain},
	"[mi_i]": {"5280", "[ft_i]", plain}, "[fth_i]": {"6", "[ft_i]", plain}, "[nmi_i]": {"1852", "m", plain},
	"[kn_i]": {"1", "[nmi_i]/h", plain}, "[sin_i]": {"1", "[in_i]2", plain}, "[sft_i]": {"1", "[ft_i]2", plain},
	"[syd_i]": {"1", "[yd_i]2", plain}, "[cin_i]": {"1", "[in_i]3", plain}, "[cft_i]": {"1", "[ft_i]3", plain},
	"[cyd_i]": {"1", "[yd_i]3", plain}, "[bf_i]": {"144", "[in_i]3", plain}, "[cr_i]": {"128", "[ft_i]3", plain},
	"[mil_i]": {"1e-3", "[in_i]", plain}, "[cml_i]": {"1", "[pi]/4.[mil_i]2", plain}, "[hd_i]": {"4", "[in_i]", plain},
	"[ft_us]": {"1200", "m/3937", plain}, "[yd_us]": {"3", "[ft_us]", plain}, "[in_us]": {"1", "[ft_us]/12", plain},
	"[rd_us]": {"16.5", "[ft_us]", plain}, "[ch_us]": {"4", "[rd_us]", plain}, "[lk_us]": {"1", "[ch_us]/100", plain},
	"[rch_us]": {"100", "[ft_us]", plain}, "[rlk_us]": {"1", "[rch_us]/100", plain}, "[fth_us]": {"6", "[ft_us]", plain},
	"[fur_us]": {"40", "[rd_us]", plain}, "[mi_us]": {"8", "[fur_us]", plain}, "[acr_us]": {"160", "[rd_us]2", plain},
	"[srd_us]": {"1", "[rd_us]2", plain}, "[smi_us]": {"1", "[mi_us]2", plain}, "[sct]": {"1", "[mi_us]2", plain},
	"[twp]": {"36", "[sct]", plain}, "[mil_us]": {"1e-3", "[in_us]", plain}, "[in_br]": {"2.539998", "cm", plain},
	"[ft_br]": {"12", "[in_br]", plain}, "[rd_br]": {"16.5", "[ft_br]", plain}, "[ch_br]": {"4", "[rd_br]", plain},
	"[lk_br]": {"1", "[ch_br]/100", plain}, "[fth_br]": {"6", "[ft_br]", plain}, "[pc_br]": {"2.5", "[ft_br]", plain},
	"[yd_br]": {"3", "[ft_br]", plain}, "[mi_br]": {"5280", "[ft_br]", plain}, "[nmi_br]": {"6080", "[ft_br]", plain},
	"[kn_br]": {"1", "[nmi_br]/h", plain}, "[acr_br]": {"4840", "[yd_br]2", plain},
	// volumes
	"[gal_us]": {"231", "[in_i]3", plain}, "[bbl_us]": {"42", "[gal_us]", plain}, "[qt_us]": {"1", "[gal_us]/4", plain},
	"[pt_us]": {"1", "[qt_us]/2", plain}, "[gil_us]": {"1", "[pt_us]/4", plain}, "[foz_us]": {"1", "[gil_us]/4", plain},
	"[fdr_us]": {"1", "[foz_us]/8", plain}, "[min_us]": {"1", "[fdr_us]/60", plain}, "[crd_us]": {"128", "[ft_i]3", plain},
	"[bu_us]": {"2150.42", "[in_i]3", plain}, "[gal_wi]": {"1", "[bu_us]/8", plain}, "[pk_us]": {"1", "[bu_us]/4", plain},
	"[dqt_us]": {"1", "[pk_us]/8", plain}, "[dpt_us]": {"1", "[dqt_us]/2", plain}, "[tbs_us]": {"1", "[foz_us]/2", plain},
	"[tsp_us]": {"1", "[tbs_us]/3", plain}, "[cup_us]": {"16", "[tbs_us]", plain}, "[foz_m]": {"30", "mL", plain},
	"[cup_m]": {"240", "mL", plain}, "[tsp_m]": {"5", "mL", plain}, "[tbs_m]": {"15", "mL", plain},
	"[gal_br]": {"4.54609", "l", plain}, "[pk_br]": {"2", "[gal_br]", plain}, "[bu_br]": {"4", "[pk_br]", plain},
	"[qt_br]": {"1", "[gal_br]/4", plain}, "[pt_br]": {"1", "[qt_br]/2", plain}, "[gil_br]": {"1", "[pt_br]/4", plain},
	"[foz_br]": {"1", "[gil_br]/5", plain}, "[fdr_br]": {"1", "[foz_br]/8", plain}, "[min_br]": {"1", "[fdr_br]/60", plain},
	// weights
	"[gr]": {"64.79891", "mg", plain}, "[lb_av]": {"7000", "[gr]", plain}, "[oz_av]": {"1", "[lb_av]/16", plain},
	"[dr_av]": {"1", "[oz_av]/16", plain}, "[scwt_av]": {"100", "[lb_av]", plain}, "[lcwt_av]": {"112", "[lb_av]", plain},
	"[ston_av]": {"20", "[scwt_av]", plain}, "[lton_av]": {"20", "[lcwt_av]", plain}, "[stone_av]": {"14", "[lb_av]", plain},
	"[pwt_tr]": {"24", "[gr]", plain}, "[oz_tr]": {"20", "[pwt_tr]", plain}, "[lb_tr]": {"12", "[oz_tr]", plain},
	"[sc_ap]": {"20", "[gr]", plain}, "[dr_ap]": {"3", "[sc_ap]", plain}, "[oz_ap]": {"8", "[dr_ap]", plain},
	"[lb_ap]": {"12", "[oz_ap]", plain}, "[oz_m]": {"28", "g", plain},
	// typesetting
	"[lne]": {"1", "[in_i]/12", plain}, "[pnt]": {"1", "[lne]/6", plain}, "[pca]": {"12", "[pnt]", plain},
	"[pnt_pr]": {"0.013837", "[in_i]", plain}, "[pca_pr]": {"12", "[pnt_pr]", plain}, "[pied]": {"32.48", "cm", plain},
	"[pouce]": {"1", "[pied]/12", plain}, "[ligne]": {"1", "[pouce]/12", plain}, "[didot]": {"1", "[ligne]/6", plain},
	"[cicero]": {"12", "[didot]", plain},
	// heat
	"[degR]": {"5", "K/9", plain}, "cal_[15]": {"4.18580", "J", metric}, "cal_[20]": {"4.18190", "J", metric},
	"cal_m": {"4.19002", "J", metric}, "cal_IT": {"4.1868", "J", metric}, "cal_th": {"4.184", "J", metric},
	"cal": {"1", "cal_th", metric}, "[Cal]": {"1", "kcal_th", plain}, "[Btu_39]": {"1.05967", "kJ", plain},
	"[Btu_59]": {"1.05480", "kJ", plain}, "[Btu_60]": {"1.05468", "kJ", plain}, "[Btu_m]": {"1.05587", "kJ", plain},
	"[Btu_IT]": {"1.05505585262", "kJ", plain}, "[Btu_th]": {"1.054350", "kJ", plain}, "[Btu]": {"1", "[Btu_th]", plain},
	"[HP]": {"550", "[ft_i].[lbf_av]/s", plain}, "tex": {"1", "g/km", metric}, "[den]": {"1", "g/9/km", plain},
	// clinical medicine
	"m[H2O]": {"9.80665", "kPa", metric}, "m[Hg]": {"133.3220", "kPa", metric}, "[in_i'H2O]": {"1", "m[H2O].[in_i]/m", plain},
	"[in_i'Hg]": {"1", "m[Hg].[in_i]/m", plain}, "[PRU]": {"1", "mm[Hg].s/ml", plain}, "[wood'U]": {"1", "mm[Hg].min/L", plain},
	"[diop]": {"1", "/m", plain}, "[mesh_i]": {"1", "/[in_i]", plain}, "[Ch]": {"1", "mm/3", plain},
	"[drp]": {"1", "ml/20", plain}, "[hnsf'U]": {"1", "1", plain}, "[MET]": {"3.5", "mL/min/kg", plain},
	// chemistry and biochemistry
	"eq": {"1", "mol", metric}, "osm": {"1", "mol", metric}, "g%": {"1", "g/dl", metric}, "[S]": {"1", "10*-13.s", plain},
	"[HPF]": {"1", "1", plain}, "[LPF]": {"100", "1", plain}, "kat": {"1", "mol/s", metric}, "U": {"1", "umol/min", metric},
	// miscellaneous
	"st": {"1", "m3", metric}, "Ao": {"0.1", "nm", plain}, "b": {"100", "fm2", plain}, "att": {"1", "kgf/cm2", plain},
	"mho": {"1", "S", metric}, "[psi]": {"1", "[lbf_av]/[in_i]2", plain}, "circ": {"2", "[pi].rad", plain},
	"sph": {"4", "[pi].sr", plain}, "[car_m]": {"0.2", "g", plain}, "[car_Au]": {"1", "/24", plain},
	"[smoot]": {"67", "[in_i]", plain}, "bit": {"1", "1", metric}, "By": {"8", "bit", metric}, "Bd": {"1", "/s", metric},
}

// temperatures are the scales that begin above absolute zero: a number of them and the offset make kelvins.
var temperatures = map[string]struct {
	number, offset string
	metric         bool
}{
	"Cel":     {"1", "273.15", metric},
	"[degF]":  {"5/9", "45967/180", plain}, // 459.67 × 5/9
	"[degRe]": {"5/4", "273.15", plain},
}

// incomparable are units that nothing but their own multiples can be compared with: arbitrary ones, which depend on the procedure
// of measurement (§24), and logarithmic ones, whose numbers do not grow in proportion to what they measure.
var incomparable = map[string]bool{
	"[iU]": metric, "[arb'U]": plain, "[USP'U]": plain, "[GPL'U]": plain, "[MPL'U]": plain, "[APL'U]": plain, "[beth'U]": plain,
	"[anti'Xa'U]": plain, "[todd'U]": plain, "[dye'U]": plain, "[smgy'U]": plain, "[bdsk'U]": plain, "[ka'U]": plain, "[knk'U]": plain,
	"[mclg'U]": plain, "[tb'U]": plain, "[CCID_50]": plain, "[TCID_50]": plain, "[EID_50]": plain, "[PFU]": plain, "[FFU]": plain,
	"[CFU]": plain, "[IR]": plain, "[BAU]": plain, "[AU]": plain, "[Amb'a'1'U]": plain, "[PNU]": plain, "[Lf]": plain, "[D'ag'U]": plain,
	"[FEU]": plain, "[ELU]": plain, "[EU]": plain, "[hp_X]": plain, "[hp_C]": plain, "[hp_M]": plain, "[hp_Q]": plain, "[kp_X]": plain,
	"[kp_C]": plain, "[kp_M]": plain, "[kp_Q]": plain,
	"[pH]": plain, "Np": metric, "B": metric, "B[SPL]": metric, "B[V]": metric, "B[mV]": metric, "B[uV]": metric, "B[10.nV]": metric,
	"B[W]": metric, "B[kW]": metric, "[p'diop]": plain, "%[slope]": plain, "[m/s2/Hz^(1/2)]": plain, "bit_s": plain,
}

// known keeps the measures of units without prefix.
var known sync.Map // string → measure

// lookup finds a unit, with a prefix or without. "cd" is the candela and no hundredth of a day: whole names come first, and days
// take no prefix.
func lookup(name string) (measure, bool) {
	if m, _, ok := plainUnit(name); ok {
		return m, true
	}
	for _, length := range []int{1, 2} {
		if len(name) <= length {
			continue
		}
		prefix, ok := prefixes[name[:length]]
		if !ok {
			continue
		}
		if m, isMetric, ok := plainUnit(name[length:]); ok && isMetric {
			return measure{new(big.Rat).Mul(rational(prefix), m.factor), m.offset, m.dimension}, true
		}
	}
	return measure{}, false
}

// plainUnit finds a unit without prefix.
func plainUnit(name string) (m measure, isMetric, ok bool) {
	for _, base := range baseUnits {
		if name == base {
			return measure{factor: one, dimension: dimension{name: 1}}, true, true
		}
	}
	switch name {
	case "[IU]":
		name = "[iU]"
	case "[m/s2/Hz^0.5]": // as it was written before version 2.2
		name = "[m/s2/Hz^(1/2)]"
	}
	if isMetric, ok := incomparable[name]; ok {
		return measure{factor: one, dimension: dimension{name: 1}}, isMetric, true
	}
	if t, ok := temperatures[name]; ok {
		return measure{rational(t.number), rational(t.offset), dimension{"K": 1}}, t.metric, true
	}
	a, ok := atoms[name]
	if !ok {
		return measure{}, false, false
	}
	if m, ok := known.Load(name); ok {
		return m.(measure), a.metric, true
	}
	of, err := parse(a.unit)
	if err != nil {
		panic("ucum: " + err.Error()) // a mistake in the table
	}
	of.factor = new(big.Rat).Mul(rational(a.number), of.factor)
	known.Store(name, of)
	return of, a.metric, true
}

// rational reads a number of the tables.
func rational(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic("ucum: no number: " + text)
	}
	return r
}
