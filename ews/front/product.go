package front

import (
	"strconv"
	"strings"
)

// Product names the Exchange of a build "15.2.1544.11", with its cumulative
// update where the build is known: "" for what is not an Exchange build. A
// build alone proves nothing (another EWS server may claim one): look at
// Identity.Exchange too.
func Product(version string) string {
	n := numbers(version)
	if n == nil {
		return ""
	}
	major, minor, b := n[0], n[1], n[2]
	switch {
	case major == 15 && minor >= 20:
		return "Exchange Online"
	case major == 15 && minor == 2 && b >= 2562:
		return "Exchange Server Subscription Edition"
	case major == 15 && minor == 2:
		return "Exchange Server 2019" + update(b, updates2019)
	case major == 15 && minor == 1:
		return "Exchange Server 2016" + update(b, updates2016)
	case major == 15 && minor == 0:
		return "Exchange Server 2013" + update(b, updates2013)
	case major == 14:
		return "Exchange Server 2010"
	case major == 8:
		return "Exchange Server 2007"
	}
	return ""
}

func numbers(version string) []int {
	parts := strings.Split(version, ".")
	if len(parts) < 3 {
		return nil
	}
	n := make([]int, 0, len(parts))
	for _, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil {
			return nil
		}
		n = append(n, v)
	}
	return n
}

// update names the cumulative update of an exact base build; builds in between
// (interim, unknown) get none rather than a guess.
func update(b int, bases map[int]string) string {
	if name, ok := bases[b]; ok {
		return " " + name
	}
	return ""
}

// Base builds of the cumulative updates. Security updates change only the last
// number.
var (
	updates2013 = map[int]string{620: "CU1", 712: "CU2", 775: "CU3", 847: "SP1 (CU4)", 913: "CU5", 995: "CU6", 1044: "CU7", 1076: "CU8", 1104: "CU9", 1130: "CU10", 1156: "CU11", 1178: "CU12", 1210: "CU13", 1236: "CU14", 1263: "CU15", 1293: "CU16", 1320: "CU17", 1347: "CU18", 1365: "CU19", 1367: "CU20", 1395: "CU21", 1473: "CU22", 1497: "CU23"}
	updates2016 = map[int]string{396: "CU1", 466: "CU2", 544: "CU3", 669: "CU4", 845: "CU5", 1034: "CU6", 1261: "CU7", 1415: "CU8", 1466: "CU9", 1531: "CU10", 1591: "CU11", 1713: "CU12", 1779: "CU13", 1847: "CU14", 1913: "CU15", 1979: "CU16", 2044: "CU17", 2106: "CU18", 2176: "CU19", 2242: "CU20", 2308: "CU21", 2375: "CU22", 2507: "CU23"}
	updates2019 = map[int]string{330: "CU1", 397: "CU2", 464: "CU3", 529: "CU4", 595: "CU5", 659: "CU6", 721: "CU7", 792: "CU8", 858: "CU9", 922: "CU10", 986: "CU11", 1118: "CU12", 1258: "CU13", 1544: "CU14", 1748: "CU15"}
)
