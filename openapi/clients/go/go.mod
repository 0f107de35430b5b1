module odavl

go 1.19
