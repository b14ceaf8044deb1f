my ($what, $text) = split " ", <STDIN>;
if ($what eq "send") { $text =~ s/(.)/$1$1/g; }
else { my $any = $text =~ /\?/; $text =~ s/(.)(.)/$1 eq "?" ? $2 : $1/ge if $any; }
print "$text\n";
