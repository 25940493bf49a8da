module github.com/lockstep-data/lockstep

go 1.26
