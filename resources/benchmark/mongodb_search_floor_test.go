package benchmark

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"fhirside/resources"
	"fhirside/resources/access"
	mongostore "fhirside/resources/store/mongo"
)

// serveFound is a bare HTTP handler over the driver: over FindOne for reads, and for searches over the find that takes longest of those
// that the server sends. It sends documents as they are. The arguments are the connection string and, for searches, their file.
func serveFound() error {
	_, db, err := connect(os.Args[1])
	if err != nil {
		return err
	}
	finds := map[string][]bson.D{}
	if len(os.Args) > 2 {
		shapes, err := readShapes(os.Args[2])
		if err != nil {
			return err
		}
		for _, shape := range shapes {
			for _, s := range shape.Searches {
				finds[s.Path] = s.Finds
			}
		}
	}
	engine := newEngine()
	engine.GET("/fhir/:type/:id", func(c *gin.Context) {
		raw, err := db.Collection(c.Param("type")).FindOne(c, bson.D{{Key: "_id", Value: c.Param("id")}}).Raw()
		if err != nil {
			c.Status(http.StatusNotFound)
			return
		}
		c.Data(http.StatusOK, contentType, raw)
	})
	engine.GET("/fhir/:type", func(c *gin.Context) {
		found, _, err := longestOf(c, db, finds[c.Param("type")+"?"+c.Request.URL.RawQuery])
		if err != nil {
			c.Status(http.StatusNotFound)
			return
		}
		body := []byte{'['}
		for _, raw := range found {
			body = append(body, raw...)
		}
		c.Data(http.StatusOK, contentType, body)
	})
	return serve(engine)
}

// longestOf runs some finds and returns what the one has found that took longest, and how long it took.
func longestOf(ctx context.Context, db *mongo.Database, finds []bson.D) (found []bson.Raw, longest time.Duration, err error) {
	for _, find := range finds {
		begun := time.Now()
		cursor, err := db.RunCommandCursor(ctx, find)
		if err != nil {
			return nil, 0, err
		}
		var list []bson.Raw
		if err := cursor.All(ctx, &list); err != nil {
			return nil, 0, err
		}
		if took := time.Since(begun); took > longest {
			found, longest = list, took
		}
	}
	return found, longest, nil
}

func readShapes(file string) ([]clinicalShape, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var read struct{ Shapes []clinicalShape }
	err = bson.UnmarshalExtJSON(text, true, &read)
	return read.Shapes, err
}

// repeatSearches is the floor of searches: of the finds that the server sends for one, the one that takes longest, by the bare driver. The
// arguments are the connection string and the file of the searches.
func repeatSearches() error {
	ctx := context.Background()
	_, db, err := connect(os.Args[1])
	if err != nil {
		return err
	}
	return takeTurns(os.Args[2], func(s clinicalSearch) (time.Duration, error) {
		_, longest, err := longestOf(ctx, db, s.Finds)
		return longest, err
	})
}

// askService asks the searches without HTTP: from the text of the URL to that of the Bundle. The arguments are those of repeatSearches.
func askService() error {
	ctx := context.Background()
	store, err := mongostore.Open(ctx, os.Args[1], mongostore.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	service := resources.New(resources.Options{Store: store, Base: base})
	return takeTurns(os.Args[2], func(s clinicalSearch) (time.Duration, error) {
		begun := time.Now()
		resourceType, query, _ := strings.Cut(s.Path, "?")
		params, err := resources.ParseQuery(query)
		if err != nil {
			return 0, err
		}
		page, err := service.Search(ctx, access.Everything, resources.Search{Type: resourceType, Params: params})
		if err != nil {
			return 0, err
		}
		_, err = page.Bundle(base)
		return time.Since(begun), err
	})
}

// takeTurns asks the searches of a shape once for each line of the input, which has the shape's number, and prints what each took, in
// milliseconds.
func takeTurns(file string, ask func(clinicalSearch) (time.Duration, error)) error {
	shapes, err := readShapes(file)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		i, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		searches := shapes[i].Searches
		if _, err := ask(searches[0]); err != nil { // the first one may have to connect
			return err
		}
		took := make([]float64, len(searches))
		for j, s := range searches {
			d, err := ask(s)
			if err != nil {
				return fmt.Errorf("%s: %w", s.Path, err)
			}
			took[j] = milliseconds(d)
		}
		text, err := json.Marshal(took)
		if err != nil {
			return err
		}
		fmt.Println(string(text))
	}
	return lines.Err()
}
