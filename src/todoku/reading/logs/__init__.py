def read_lines(lines): return []
