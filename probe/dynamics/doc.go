// Package dynamics reads what an administrator exports from Dynamics 365: the
// e-mail server profile, which says how Dynamics reaches Exchange, and the
// table of mailboxes, which says for whom.
//
// There are two ways out of Dynamics. A view exported to Excel and saved as CSV
// has the display names of its columns in the user's language and the labels of
// option columns; Excel writes commas, semicolons or tabs, as the country has
// it, UTF-8 or UTF-16, and puts hidden columns "(Do Not Modify) ..." in front.
// The Web API answers JSON with logical names and numbers, one object or
// {"value": [...]}, labels beside them as annotations. Both lead to the same
// rows here: columns are found by logical name or English display name, options
// by number or English label. (Display names of other languages are Dynamics'
// own translations, which are not published; logical names work everywhere.)
//
// Files are edited by hand, so every row must be as wide as the header, as in
// RFC 4180 (of a table of mailboxes, wide enough: Needed), and an error names the line on which its record starts (the header
// is line 1) and the column. A row that cannot be read costs that row, not the
// file. Memory does not grow with the file: a record has a limit.
package dynamics
