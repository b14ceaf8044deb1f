program half;
var n, a: int64;
begin
  read(n);
  a := n div 2;
  while (a mod 10 = 7) or ((n - a) mod 10 = 7) do
    a := a + 1;
  writeln(a, ' ', n - a);
end.
