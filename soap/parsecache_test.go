package soap

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const alikeBody = `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:FindFolderResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><m:ResponseMessages><m:FindFolderResponseMessage ResponseClass="%s"><m:ResponseCode>%s</m:ResponseCode><m:RootFolder><t:Folders><t:Folder><t:FolderId Id="%s" ChangeKey="%s"/></t:Folder></t:Folders></m:RootFolder></m:FindFolderResponseMessage></m:ResponseMessages></m:FindFolderResponse></s:Body></s:Envelope>`

func TestAlikeIsParse(t *testing.T) {
	var alike ParseCache
	for _, values := range [][]any{
		{"Success", "NoError", "AAMkA+/1=", "AQ=="},
		{"Success", "NoError", "AAMkB", "AR=="},
		{"Success", "NoError", `"/><x a="`, "AQ=="},
		{"Success", "NoError", "a&amp;b", "AQ=="},
		{"Success", "NoError", "", ""},
		{"Error", "ErrorAccessDenied", "AAMkC", "AQ=="},
		{"Error", "NoError", "AAMkC", "AQ=="},
		{"Success", "NoError", "AAMkD", "AQ=="},
	} {
		body := fmt.Appendf(nil, alikeBody, values...)
		for range 2 {
			want, wantErr := Parse(body)
			got, err := alike.Parse(body)
			if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (wantErr == nil) {
				t.Errorf("%v: %v\n%s", values, err, diff)
			}
		}
	}
	if len(alike.known) == 0 {
		t.Error("nothing was known again")
	}
}

// Whatever comes first, a body is read as Parse reads it.
func FuzzAlike(f *testing.F) {
	f.Add(fmt.Appendf(nil, alikeBody, "Success", "NoError", "AAMkA", "AQ=="), fmt.Appendf(nil, alikeBody, "Success", "NoError", "AAMkB", "AQ=="))
	f.Add([]byte(`<a Id="x"/>`), []byte(`<a Id="y"/>`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var alike ParseCache
		_, _ = alike.Parse(first)
		want, wantErr := Parse(second)
		got, err := alike.Parse(second)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%v, Parse says %v", err, wantErr)
		}
		want.FolderID, got.FolderID = "", "" // of two identifiers in one body either may be meant
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
