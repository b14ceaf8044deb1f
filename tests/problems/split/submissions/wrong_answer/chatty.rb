n = gets.to_i
puts "Ada gets #{n / 2} and Alan #{n - n / 2}"
