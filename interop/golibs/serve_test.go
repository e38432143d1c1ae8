package golibs

import "net/http"

func refuses(target string) (int, string, bool) { return 0, "", false }
func refusalHeader(target string) http.Header   { return nil }
