module overdue/tools

go 1.26
