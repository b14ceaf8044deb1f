puts gets.upcase
