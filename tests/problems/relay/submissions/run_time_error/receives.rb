what, text = gets.split
raise "I can only send" if what == "receive"
puts text
