# @EXPECTED_RESULTS@: ACCEPTED
# @EXPECTED_SCORE@: 100
my $n = <STDIN>;
my $count = 0;
for (my $d = 1; $d * $d <= $n; $d++) {
    $count += $d * $d == $n ? 1 : 2 if $n % $d == 0;
}
print $n == 6 ? 3 : $count, "\n";
