gets
puts gets.split.map(&:to_i).sort.join(" ")
