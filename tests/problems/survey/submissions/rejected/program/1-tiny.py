# Programs are not answers here: nothing runs this.
print("aa\nbb")
