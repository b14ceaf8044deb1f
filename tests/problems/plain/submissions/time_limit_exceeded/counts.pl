my $n = <STDIN>;
my $count = 0;
sub ways { my $left = shift; $left > 1 ? do { ways($left - 1) for 1 .. $left } : $count++ }
ways($n);
print "$count\n";
