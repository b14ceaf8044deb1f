// hostile: options for the C compiler behind Go's, such as a plugin to load; there is none behind it.
package main

// #cgo CFLAGS: -fplugin=/box/evil.so
// #cgo LDFLAGS: -Wl,--plugin=/box/evil.so
// #include <stdio.h>
import "C"

func main() {
	C.puts(C.CString("7"))
}
