// Package infra is what is deployed to AWS, as plain data: the table of the state, the functions and their environment. It holds no client and no template; whoever
// makes the real things (a stack, the tests, the command) reads it. It imports nothing of the product, so every package may import it.
package infra
