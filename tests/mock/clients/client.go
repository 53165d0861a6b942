// Go's net/http as it comes.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func ask(method, url, body, key string, chunked bool) int {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	if chunked { // a reader of no known length
		reader = io.MultiReader(reader)
	}
	request, err := http.NewRequest(method, url, reader)
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", "Bearer sk_live_test")
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	if _, err := io.ReadAll(answer.Body); err != nil {
		panic(err)
	}
	return answer.StatusCode
}

func main() {
	base, body := os.Args[1], os.Args[2]
	fmt.Println(
		ask("POST", base+"/generate", body, "once", false),
		ask("POST", base+"/generate", body, "once", false),
		ask("POST", base+"/generate", body, "", true),
		ask("GET", base+"/generations?limit=1", "", "", false),
		ask("GET", base+"/nothing", "", "", false),
		ask("HEAD", base+"/generations", "", "", false),
	)
}
