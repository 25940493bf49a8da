package main

import (
	"fmt"
	"math"

	"github.com/lockstep-data/lockstep/shared/transform"
)

// earth is the radius of the earth in feet.
const earth = 20902231

// measure sets measured_ft to the distance between the ends of a runway. It filters runways whose ends are not known, and refuses
// those whose published length is more than a tenth off.
func measure(r transform.Record) (transform.Record, error) {
	for _, column := range []string{"le_latitude_deg", "le_longitude_deg", "he_latitude_deg", "he_longitude_deg"} {
		if r.IsNull(column) {
			return transform.Record{}, nil
		}
	}
	north, south := radians(r.Float("le_latitude_deg")), radians(r.Float("he_latitude_deg"))
	west := radians(r.Float("he_longitude_deg") - r.Float("le_longitude_deg"))
	h := hav(north-south) + math.Cos(north)*math.Cos(south)*hav(west)
	feet := math.Round(2 * earth * math.Asin(math.Sqrt(h)))
	if published := r.Float("length_ft"); published > 0 && math.Abs(feet-published) > published/10 {
		return r, fmt.Errorf("published as %.0f ft, but its ends are %.0f ft apart", published, feet)
	}
	r.Set("measured_ft", int64(feet))
	return r, nil
}

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }

func hav(angle float64) float64 { return math.Pow(math.Sin(angle/2), 2) }
