<STDIN>;
my @weights = split " ", <STDIN>;
print scalar(@weights), " @weights\n";
