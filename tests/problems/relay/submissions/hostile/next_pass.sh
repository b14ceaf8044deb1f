# hostile: writes the input of the next pass and what the validator keeps; both lie where only the validator runs.
mkdir -p feedback /box/feedback /tmp/feedback
for place in . feedback /tmp/feedback; do
    echo "receive hello" >"$place/nextpass.in"
    echo 3 >"$place/pass.txt"
done
echo hello
echo nextpass.in
