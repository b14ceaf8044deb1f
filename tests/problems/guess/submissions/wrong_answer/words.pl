print "five hundred\n";
