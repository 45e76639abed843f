package front

import (
	"slices"
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
func update(b int, bases []int) string {
	switch i := slices.Index(bases, b); {
	case i < 0:
		return ""
	case b == 847: // Exchange 2013
		return " SP1 (CU4)"
	default:
		return " CU" + strconv.Itoa(i+1)
	}
}

// Base builds of the cumulative updates, CU1 first. Security updates change only
// the last number.
var (
	updates2013 = []int{
		620, 712, 775, 847, 913, 995, 1044, 1076, 1104, 1130, 1156, 1178,
		1210, 1236, 1263, 1293, 1320, 1347, 1365, 1367, 1395, 1473, 1497,
	}
	updates2016 = []int{
		396, 466, 544, 669, 845, 1034, 1261, 1415, 1466, 1531, 1591, 1713,
		1779, 1847, 1913, 1979, 2044, 2106, 2176, 2242, 2308, 2375, 2507,
	}
	updates2019 = []int{
		330, 397, 464, 529, 595, 659, 721, 792, 858, 922, 986, 1118,
		1258, 1544, 1748,
	}
)
