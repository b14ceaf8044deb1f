my $n = <STDIN>;
my $sum = 0;
$sum += $_ for split " ", <STDIN>;
printf "%.3f\n%s\n", $sum / $n, $sum / $n > 10 ? "tall" : "small";
