// Says what Go's runtime believes, then waits to be told to end.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	said := map[string]any{"pid": os.Getpid(), "version": runtime.Version(), "ceiling": nil, "told": nil}
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		said["ceiling"] = limit
	}
	if told := os.Getenv("GOMEMLIMIT"); told != "" {
		said["told"] = told
	}
	line, _ := json.Marshal(said)
	fmt.Println(string(line))
	<-stop
	fmt.Println("TERM")
}
