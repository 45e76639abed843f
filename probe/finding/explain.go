package finding

import "slices"

// Explain is what a pasted text says: the numbers of Entra, Exchange and Windows in it,
// and its alerts. What names one cause goes before what many causes share.
func Explain(text string) (numbers []Explained, alerts []Alert) {
	tokens, logons := ExplainTokens(text), ExplainLogons(text)
	alerts = alertsByCaller(text)
	own := slices.ContainsFunc(alerts, func(a Alert) bool { return !a.GivesWay && !a.Wrapper })
	alone := slices.ContainsFunc(alerts, func(a Alert) bool { return a.Alone && !a.GivesWay })
	logons = slices.DeleteFunc(logons, func(e Explained) bool { return alone || own && e.General })
	numbers = append(tokens, logons...)
	sure := slices.ContainsFunc(numbers, func(e Explained) bool { return !e.General })
	return numbers, slices.DeleteFunc(alerts, func(a Alert) bool {
		return len(numbers) > 0 && a.GivesWay || sure && a.Wrapper && (!a.Circumstance || len(tokens) > 0)
	})
}
