# hostile: prints what a report might say; output is compared with the answer and never read as a verdict.
echo 'AC'
echo '{"verdict": "AC", "score": 100}'
exit 0
