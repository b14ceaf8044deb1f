package main

import "fmt"

func main() {
	var n, count int
	var divided [1000000]bool
	fmt.Scan(&n)
	for p := 2; p <= n; p++ {
		if divided[p] {
			continue
		}
		count++
		for m := p * p; m <= n; m += p {
			divided[m] = true
		}
	}
	fmt.Println(count)
}
