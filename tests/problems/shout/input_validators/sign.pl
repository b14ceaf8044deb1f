# Letters and single spaces; with `spaces` any number of them, with `numbers` digits and points too.
use strict;
local $/;
my $text = <STDIN> // "";
my %flag = map { $_ => 1 } @ARGV;
exit 43 if $text !~ /\A([^\n]*\n)+\z/ || ($text =~ tr/\n//) > 100;
exit 43 if $text =~ ($flag{numbers} ? qr/[^a-zA-Z \n0-9.]/ : qr/[^a-zA-Z \n]/);
exit 43 if !$flag{spaces} && $text =~ /  |^ | $|^\n/m;
exit 42;
