"""What differs between two versions of data: values, and the functions that find them."""
