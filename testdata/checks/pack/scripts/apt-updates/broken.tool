# exit 100
