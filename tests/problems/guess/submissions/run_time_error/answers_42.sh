# hostile: ends with the code by which a validator accepts, in the hope that the two sides are mixed up.
echo 500
exit 42
